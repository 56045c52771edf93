import type { Json, RefFilter } from '@tributary/contracts/rule';
import { equalValues, orderValues, valueKey } from './compare-values.js';
import type { LocalDays } from './local-days.js';
import { firstAfterEvent, firstNotBefore, orderEvents, type StepEvent } from './step-series.js';
import type { Window } from './window.js';

/** Sorted, disjoint `[from, until)`: when a sequence holds, as far as is known. */
export type TimeSpans = readonly { readonly from: number; readonly until: number }[];

/** A property of a step's event against one of an earlier step's. */
export interface StepRef {
  readonly op: RefFilter['op'];
  /** Index into the captures of the step's own event. */
  readonly own: number;
  /** Index into the values bound by earlier steps. */
  readonly bound: number;
}

export interface SequenceStepPlan {
  /** At most so long after the step before; Infinity: any time. */
  readonly withinMs: number;
  readonly refs: readonly StepRef[];
  /** Which captures of this step later steps refer to, in the order in which they are bound. */
  readonly binds: readonly number[];
}

export interface SequencePlan {
  /** The steps that must have happened. */
  readonly steps: readonly SequenceStepPlan[];
  /** The step that must not follow the last of them. */
  readonly absent?: SequenceStepPlan;
  readonly window: Window;
}

/** A choice for the steps so far: where it began, and what later steps compare with. */
interface Choice {
  readonly start: number;
  readonly bound: readonly (Json | undefined)[];
}

/**
 * When the sequence holds (rules 22 to 24): for every event that can be the last matched one, the choice that began latest
 * stays in the window longest, so it alone matters; choices differ only by what later steps compare with.
 * `events` holds the fitting events of each step, the absent one last, in event order.
 */
export function matchSequence(plan: SequencePlan, events: readonly (readonly StepEvent[])[], days: LocalDays): TimeSpans {
  const hasRefs = plan.absent?.refs.length || plan.steps.some((step) => step.refs.length > 0);
  return union(hasRefs ? boundSpans(plan, events, days) : plainSpans(plan, events, days));
}

/**
 * Can a new event of the step matter to what is known? Not while no event of the next step comes after it: no choice could
 * go on from there. Nor where it should be absent, and nothing that it could follow came soon enough before it.
 */
export function canMatter(plan: SequencePlan, events: readonly (readonly StepEvent[])[], step: number, event: StepEvent): boolean {
  const { steps, absent } = plan;
  if (step === steps.length) {
    const last = events[step - 1]!;
    const followed = last[firstNotBefore(last, event) - 1];
    return followed !== undefined && event.time - followed.time <= absent!.withinMs;
  }
  if (step === steps.length - 1) return true;
  const next = events[step + 1]!;
  return next.length > 0 && orderEvents(next[next.length - 1]!, event) > 0;
}

/** What a new event adds to a sequence of which it is the only matched step; what has passed by `nowMs` is left out. */
export function addStart(plan: SequencePlan, at: { readonly spans: TimeSpans; readonly events: readonly (readonly StepEvent[])[]; readonly days: LocalDays }, event: StepEvent, nowMs: number): TimeSpans {
  const spans = at.spans.filter((span) => span.until > nowMs).map((span) => ({ ...span }));
  addSpan(spans, { plan, events: at.events, days: at.days }, event, { start: event.time, bound: bindAll([], plan.steps[0]!, event) });
  return union(spans);
}

function boundSpans(plan: SequencePlan, events: readonly (readonly StepEvent[])[], days: LocalDays): Span[] {
  let layer: Choice[][] = events[0]!.map((event) => [{ start: event.time, bound: bindAll([], plan.steps[0]!, event) }]);
  for (let i = 1; i < plan.steps.length; i += 1) layer = extend({ step: plan.steps[i]!, before: events[i - 1]!, events: events[i]! }, layer);
  const spans: Span[] = [];
  layer.forEach((choices, i) => {
    for (const choice of choices) addSpan(spans, { plan, events, days }, events[plan.steps.length - 1]![i]!, choice);
  });
  return spans;
}

function extend(at: { readonly step: SequenceStepPlan; readonly before: readonly StepEvent[]; readonly events: readonly StepEvent[] }, layer: readonly Choice[][]): Choice[][] {
  const { step, before, events } = at;
  return events.map((event) => {
    const best = new Map<string, Choice>();
    for (let i = firstNotBefore(before, event) - 1; i >= 0 && event.time - before[i]!.time <= step.withinMs; i -= 1) {
      for (const choice of layer[i]!) {
        if (!fits(step, event, choice.bound)) continue;
        const bound = bindAll(choice.bound, step, event);
        const key = boundKey(bound);
        const known = best.get(key);
        if (!known || known.start < choice.start) best.set(key, { start: choice.start, bound });
      }
    }
    return [...best.values()];
  });
}

/** Without references only the latest start matters, and each step is passed through once. */
function plainSpans(plan: SequencePlan, events: readonly (readonly StepEvent[])[], days: LocalDays): Span[] {
  let starts = Float64Array.from(events[0]!, (event) => event.time);
  for (let i = 1; i < plan.steps.length; i += 1) starts = extendPlain({ before: events[i - 1]!, events: events[i]!, withinMs: plan.steps[i]!.withinMs }, starts);
  const spans: Span[] = [];
  const last = events[plan.steps.length - 1]!;
  for (let i = 0; i < starts.length; i += 1) {
    if (starts[i]! > -Infinity) addSpan(spans, { plan, events, days }, last[i]!, { start: starts[i]!, bound: [] });
  }
  return spans;
}

/** The latest start within reach of each event, by a queue whose starts fall from head to tail; −Infinity: none. */
function extendPlain(at: { readonly before: readonly StepEvent[]; readonly events: readonly StepEvent[]; readonly withinMs: number }, starts: Float64Array): Float64Array<ArrayBuffer> {
  const { before, events, withinMs } = at;
  const queue = new Int32Array(before.length);
  const extended = new Float64Array(events.length).fill(-Infinity);
  let [head, tail, next] = [0, 0, 0];
  for (let i = 0; i < events.length; i += 1) {
    const event = events[i]!;
    for (; next < before.length && orderEvents(before[next]!, event) < 0; next += 1) {
      if (starts[next] === -Infinity) continue;
      while (tail > head && starts[queue[tail - 1]!]! <= starts[next]!) tail -= 1;
      queue[tail] = next;
      tail += 1;
    }
    while (head < tail && event.time - before[queue[head]!]!.time > withinMs) head += 1;
    if (head < tail) extended[i] = starts[queue[head]!]!;
  }
  return extended;
}

interface Span {
  from: number;
  until: number;
}

function addSpan(spans: Span[], at: { readonly plan: SequencePlan; readonly events: readonly (readonly StepEvent[])[]; readonly days: LocalDays }, event: StepEvent, choice: Choice): void {
  const { absent, window, steps } = at.plan;
  if (absent && isFollowed(absent, at.events[steps.length]!, event, choice)) return;
  const certain = absent ? event.time + absent.withinMs : -Infinity;
  const from = Math.max(window.entersAt(event.time), certain);
  const until = window.leavesAt(choice.start, at.days);
  const last = spans[spans.length - 1];
  // Windows that end at t make many spans without a beginning; the longest says it all.
  if (last && last.from === from) last.until = Math.max(last.until, until);
  else if (from < until) spans.push({ from, until });
}

function isFollowed(absent: SequenceStepPlan, candidates: readonly StepEvent[], event: StepEvent, choice: Choice): boolean {
  for (let i = firstAfterEvent(candidates, event); i < candidates.length; i += 1) {
    const candidate = candidates[i]!;
    if (candidate.time - event.time > absent.withinMs) return false;
    if (fits(absent, candidate, choice.bound)) return true;
  }
  return false;
}

function fits(step: SequenceStepPlan, event: StepEvent, bound: readonly (Json | undefined)[]): boolean {
  return step.refs.every((ref) => compare(ref.op, event.captured[ref.own], bound[ref.bound]));
}

function compare(op: RefFilter['op'], own: Json | undefined, other: Json | undefined): boolean {
  if (own === undefined || other === undefined) return false;
  if (op === 'equals') return equalValues(own, other);
  if (op === 'notEquals') return !equalValues(own, other);
  const order = orderValues(own, other);
  if (order === undefined) return false;
  switch (op) {
    case 'gt': return order > 0;
    case 'gte': return order >= 0;
    case 'lt': return order < 0;
    case 'lte': return order <= 0;
  }
}

function bindAll(bound: readonly (Json | undefined)[], step: SequenceStepPlan, event: StepEvent): readonly (Json | undefined)[] {
  return step.binds.length === 0 ? bound : [...bound, ...step.binds.map((capture) => event.captured[capture])];
}

function boundKey(bound: readonly (Json | undefined)[]): string {
  return bound.map((value) => (value === undefined ? '' : valueKey(value))).join('\u0000');
}

function union(spans: Span[]): TimeSpans {
  spans.sort((a, b) => a.from - b.from);
  const united: Span[] = [];
  for (const span of spans) {
    const last = united[united.length - 1];
    if (last && span.from <= last.until) last.until = Math.max(last.until, span.until);
    else united.push(span);
  }
  return united;
}
