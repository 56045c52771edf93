import type { EventBody } from './rule-entry.js';
import type { Json } from '@tributary/contracts/rule';
import { indexKey } from './compare-values.js';
import type { SeriesDepth } from './event-series.js';
import { CountBank } from './count-bank.js';
import { CountGauge, type Gauge } from './gauge.js';
import type { ComputedLeaf, Leaf, SequenceLeaf, TraitLeaf } from './leaf.js';
import type { LocalDays } from './local-days.js';
import { addStart, canMatter, matchSequence, type SequencePlan, type TimeSpans } from './match-sequence.js';
import type { ProfileState } from './profile-state.js';
import type { StepEvent } from './step-series.js';

/**
 * Something that leaves depend on and that changes as a whole: one feature's events, a trait, a score. To find which
 * leaves flip: `mark` the answers, change the state (or let time pass), `collect` the leaves whose answer differs.
 * `mark` remembers in the source itself, so the two calls belong together.
 */
export abstract class Source {
  index = -1;
  /** The answers depend on the local calendar. */
  abstract readonly calendar: boolean;

  constructor(readonly key: string) {}

  abstract leaves(): Iterable<Leaf>;
  /** `t` is an instant up to which everything that is due has been collected. */
  abstract mark(state: ProfileState, t: number): void;
  /** The state was changed without `collect`. */
  forget(_state: ProfileState): void {}
  /** Returns the next change, as `nextChange` does. */
  abstract collect(state: ProfileState, t: number, flipped: Leaf[]): number;
  /** The first instant after `t` at which a leaf may flip by time alone; never too late. */
  abstract nextChange(state: ProfileState, t: number): number;
}

/** A feature: the events of one name that pass the same filters, and all quantities made of them. Also a score. */
export class GaugeSource extends Source {
  readonly gauges: Gauge[] = [];
  calendar = false;
  depth: SeriesDepth = { newest: 0, fullMs: 0, reachMs: 0, valued: false, latest: false, tiled: true };
  /** What is stored of an event beside its time; undefined: the event does not count. */
  readonly element?: FeatureElement;
  private marked: number[] = [];
  private bank: CountBank | undefined;

  constructor(key: string, element?: FeatureElement) {
    super(key);
    this.element = element;
  }

  /** Once all gauges are known and their bounds sorted. */
  finish(): void {
    const counts = this.gauges.filter((gauge): gauge is CountGauge => gauge instanceof CountGauge && gauge.window.widthMs !== undefined);
    counts.sort((a, b) => a.window.widthMs! - b.window.widthMs!);
    const others = this.gauges.filter((gauge) => !counts.includes(gauge as CountGauge));
    this.gauges.splice(0, this.gauges.length, ...counts, ...others);
    if (counts.length > 0) this.bank = new CountBank(counts);
  }

  override forget(state: ProfileState): void {
    const series = state.series.get(this.index);
    if (series) series.positions = undefined;
  }

  *leaves(): Iterable<Leaf> {
    for (const gauge of this.gauges) yield* gauge.leaves;
  }

  mark(state: ProfileState, t: number): void {
    const known = state.series.get(this.index)?.positions;
    this.marked = known ?? this.gauges.map((gauge) => gauge.position(state, t));
  }

  collect(state: ProfileState, t: number, flipped: Leaf[]): number {
    const { marked, gauges, bank } = this;
    const series = state.series.get(this.index);
    const isBanked = bank !== undefined && series !== undefined && series.tiles.length === 0;
    let next = isBanked ? bank.collect(series, t, marked, flipped) : Infinity;
    for (let i = isBanked ? bank.length : 0; i < gauges.length; i += 1) {
      const gauge = gauges[i]!;
      const position = gauge.position(state, t);
      if (position !== marked[i]) {
        gauge.collectFlips(marked[i]!, position, flipped);
        marked[i] = position;
      }
      const change = gauge.nextChange(state, t, position);
      if (change < next) next = change;
    }
    if (series) series.positions = marked;
    return next;
  }

  nextChange(state: ProfileState, t: number): number {
    let next = Infinity;
    for (const gauge of this.gauges) next = Math.min(next, gauge.nextChange(state, t, gauge.position(state, t)));
    return next;
  }
}

/** How an event becomes an element of a series. */
export interface FeatureElement {
  readonly event: string;
  readonly kind: 'time' | 'number' | 'distinct' | 'distinctAll';
  /** Path of the property that is summed or told apart. */
  readonly property?: string;
  readonly read?: (body: EventBody) => Json | undefined;
}

/** One sequence: the events of its steps are kept by step features. */
export class SequenceSource extends Source {
  leaf!: SequenceLeaf;
  private marked = false;

  /** `steps`: indexes of the step features, the absent step's last. */
  constructor(key: string, readonly plan: SequencePlan, readonly steps: readonly { readonly index: number; readonly name: string }[]) {
    super(key);
  }

  get calendar(): boolean {
    return this.plan.window.calendar;
  }

  leaves(): Iterable<Leaf> {
    return [this.leaf];
  }

  /** An event of one of its steps is new: what was found before may be so no more. */
  learn(state: ProfileState, feature: number, event: StepEvent, nowMs: number): void {
    const spans = state.sequenceSpans.get(this.index);
    if (!spans) return;
    const events = this.eventsOf(state);
    if (this.plan.steps.length === 1 && feature === this.steps[0]!.index && feature !== this.steps[1]?.index) {
      state.sequenceSpans.set(this.index, addStart(this.plan, { spans, events, days: state.days }, event, nowMs));
      return;
    }
    const matters = this.steps.some((step, i) => step.index === feature && canMatter(this.plan, events, i, event));
    if (matters) state.sequenceSpans.delete(this.index);
  }

  private eventsOf(state: ProfileState): (readonly StepEvent[])[] {
    return this.steps.map((step) => state.steps.get(step.index)?.events ?? NO_EVENTS);
  }

  spans(state: ProfileState): TimeSpans {
    const known = state.sequenceSpans.get(this.index);
    if (known) return known;
    const events = this.eventsOf(state);
    const spans = matchSequence(this.plan, events, state.days);
    state.sequenceSpans.set(this.index, spans);
    return spans;
  }

  mark(state: ProfileState, t: number): void {
    this.marked = this.leaf.holds(state, t);
  }

  collect(state: ProfileState, t: number, flipped: Leaf[]): number {
    if (this.leaf.holds(state, t) !== this.marked) flipped.push(this.leaf);
    return this.nextChange(state, t);
  }

  nextChange(state: ProfileState, t: number): number {
    for (const span of this.spans(state)) {
      if (span.from > t) return span.from;
      if (span.until > t) return span.until;
    }
    return Infinity;
  }
}

const NO_EVENTS: readonly StepEvent[] = [];

/** One value that leaves test: the value at a path of a trait, or a computed trait. */
export class ValueSource extends Source {
  readonly all: (TraitLeaf | ComputedLeaf)[] = [];
  /** Leaves that ask for equality, by the values they ask for: only those of the old and the new value can flip. */
  private readonly byValue = new Map<string, Leaf[]>();
  /** Leaves that flip when the value comes or goes, whichever it is. */
  private readonly byPresence: (TraitLeaf | ComputedLeaf)[] = [];
  private readonly others: (TraitLeaf | ComputedLeaf)[] = [];
  private readonly timed: (TraitLeaf | ComputedLeaf)[] = [];
  private marked: { value: Json | undefined; t: number; days: LocalDays | undefined } = { value: undefined, t: 0, days: undefined };
  calendar = false;
  /** While an update goes on: the key of the value before, where the value is another now. */
  movedFrom: string | undefined = undefined;

  constructor(key: string, readonly read: (state: ProfileState) => Json | undefined) {
    super(key);
  }

  add(leaf: TraitLeaf | ComputedLeaf): void {
    this.all.push(leaf);
    const { test } = leaf;
    if (test.time) {
      this.timed.push(leaf);
      this.calendar ||= test.time.calendar;
    }
    if (!test.oneOf) {
      this.others.push(leaf);
      return;
    }
    if (test.oneOf.negated) this.byPresence.push(leaf);
    for (const key of new Set(test.oneOf.keys)) {
      const there = this.byValue.get(key);
      if (there) there.push(leaf);
      else this.byValue.set(key, [leaf]);
    }
  }

  /** How many different values are asked for. */
  get values(): number {
    return this.byValue.size;
  }

  leaves(): Iterable<Leaf> {
    return this.all;
  }

  mark(state: ProfileState, t: number): void {
    this.movedFrom = undefined;
    this.marked = { value: this.read(state), t, days: state.days };
  }

  collect(state: ProfileState, t: number, flipped: Leaf[]): number {
    const before = this.marked;
    const value = this.read(state);
    const test = (leaf: Leaf): void => {
      const { holds } = (leaf as TraitLeaf | ComputedLeaf).test;
      if (holds(before.value, before.t, before.days!) !== holds(value, t, state.days)) flipped.push(leaf);
    };
    const [oldKey, newKey] = before.value === value ? [undefined, undefined] : [keyOf(before.value), keyOf(value)];
    if (oldKey === newKey) {
      this.timed.forEach(test);
      return this.nextChange(state, t);
    }
    this.movedFrom = oldKey;
    this.others.forEach(test);
    const tested = new Set<Leaf>();
    const once = (leaf: Leaf): void => {
      if (!tested.has(leaf)) test(leaf);
      tested.add(leaf);
    };
    if (oldKey !== undefined) this.byValue.get(oldKey)?.forEach(once);
    if (newKey !== undefined) this.byValue.get(newKey)?.forEach(once);
    if (before.value === undefined || value === undefined) this.byPresence.forEach(once);
    return this.nextChange(state, t);
  }

  nextChange(state: ProfileState, t: number): number {
    const value = this.read(state);
    if (value === undefined) return Infinity;
    let next = Infinity;
    for (const leaf of this.timed) next = Math.min(next, leaf.test.time!.nextChange(value, t, state.days));
    return next;
  }
}

export function keyOf(value: Json | undefined): string | undefined {
  return value === undefined ? undefined : indexKey(value);
}

/** Few leaves that are simply asked again: a cluster, a list, a consent. */
export class PlainSource extends Source {
  readonly calendar = false;
  readonly all: Leaf[] = [];
  private readonly marked: boolean[] = [];

  leaves(): Iterable<Leaf> {
    return this.all;
  }

  mark(state: ProfileState, t: number): void {
    this.all.forEach((leaf, i) => { this.marked[i] = leaf.holds(state, t); });
  }

  collect(state: ProfileState, t: number, flipped: Leaf[]): number {
    this.all.forEach((leaf, i) => { if (leaf.holds(state, t) !== this.marked[i]) flipped.push(leaf); });
    return Infinity;
  }

  nextChange(): number {
    return Infinity;
  }
}
