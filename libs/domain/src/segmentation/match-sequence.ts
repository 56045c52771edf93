import type { Json, RefFilter } from '@tributary/contracts/rule';
import { equalValues, orderValues, valueKey } from './compare-values.js';
import type { LocalDays } from './local-days.js';
import { firstAfterEvent, firstNotBefore, type StepEvent } from './step-series.js';
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
  let layer: Choice[][] = events[0]!.map((event) => [{ start: event.time, bound: bindAll([], plan.steps[0]!, event) }]);
  for (let i = 1; i < plan.steps.length; i += 1) {
    if (layer.length === 0) return [];
    layer = extend({ step: plan.steps[i]!, before: events[i - 1]!, events: events[i]! }, layer);
  }
  return union(spansOf(plan, events, layer, days));
}

function extend(at: { readonly step: SequenceStepPlan; readonly before: readonly StepEvent[]; readonly events: readonly StepEvent[] }, layer: readonly Choice[][]): Choice[][] {
  const { step, before, events } = at;
  if (step.refs.length === 0 && step.binds.length === 0 && layer.every((choices) => choices.every((one) => one.bound.length === 0))) {
    return extendUnbound(at, layer);
  }
  return events.map((event) => {
    const best = new Map<string, Choice>();
    const end = firstNotBefore(before, event);
    for (let i = end - 1; i >= 0 && event.time - before[i]!.time <= step.withinMs; i -= 1) {
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

/** Without references: the latest start within reach, by a queue whose starts fall from head to tail. */
function extendUnbound(at: { readonly step: SequenceStepPlan; readonly before: readonly StepEvent[]; readonly events: readonly StepEvent[] }, layer: readonly Choice[][]): Choice[][] {
  const { step, before, events } = at;
  const queue: { readonly time: number; readonly choice: Choice }[] = [];
  let [head, next] = [0, 0];
  return events.map((event) => {
    const end = firstNotBefore(before, event);
    for (; next < end; next += 1) {
      const choice = layer[next]![0];
      if (!choice) continue;
      while (queue.length > head && queue[queue.length - 1]!.choice.start <= choice.start) queue.pop();
      queue.push({ time: before[next]!.time, choice });
    }
    while (head < queue.length && event.time - queue[head]!.time > step.withinMs) head += 1;
    return head < queue.length ? [queue[head]!.choice] : [];
  });
}

function spansOf(plan: SequencePlan, events: readonly (readonly StepEvent[])[], layer: readonly Choice[][], days: LocalDays): { from: number; until: number }[] {
  const spans: { from: number; until: number }[] = [];
  const last = events[plan.steps.length - 1]!;
  layer.forEach((choices, i) => {
    const event = last[i]!;
    for (const choice of choices) {
      const { absent } = plan;
      if (absent && isFollowed(absent, events[plan.steps.length]!, event, choice)) continue;
      const certain = absent ? event.time + absent.withinMs : -Infinity;
      const from = Math.max(plan.window.entersAt(event.time), certain);
      const until = plan.window.leavesAt(choice.start, days);
      if (from < until) spans.push({ from, until });
    }
  });
  return spans;
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

function union(spans: { from: number; until: number }[]): TimeSpans {
  spans.sort((a, b) => a.from - b.from);
  const united: { from: number; until: number }[] = [];
  for (const span of spans) {
    const last = united[united.length - 1];
    if (last && span.from <= last.until) last.until = Math.max(last.until, span.until);
    else united.push(span);
  }
  return united;
}
