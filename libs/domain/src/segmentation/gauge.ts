import { BoundScale, type BoundPair } from './bounds.js';
import { EventSeries } from './event-series.js';
import { addWhole } from './exact-decimal.js';
import type { GaugeLeaf, Leaf } from './leaf.js';
import type { ProfileState } from './profile-state.js';
import { summarizeRange, type RangeSummary } from './summarize-range.js';
import type { Window } from './window.js';

/**
 * One quantity that many conditions compare with numbers: the count of a feature's events in a window, a sum, a score.
 * Its position is how many of all those numbers it meets; −1: there is no value, and no comparison holds.
 */
export abstract class Gauge {
  readonly scale: BoundScale;
  /** By position: the leaves whose answer may change between the position before and this one. */
  private edges: GaugeLeaf[][] = [];
  readonly leaves: GaugeLeaf[] = [];

  constructor(readonly key: string, perUnit: bigint) {
    this.scale = new BoundScale(perUnit);
  }

  abstract position(state: ProfileState, t: number): number;
  /** The first instant after `t`, where `position` is its place, at which that may change by time alone: never too late. */
  abstract nextChange(state: ProfileState, t: number, position: number): number;

  add(leaf: GaugeLeaf, bounds: BoundPair): void {
    this.leaves.push(leaf);
    this.scale.add(bounds.lower);
    this.scale.add(bounds.upper);
  }

  /** Once all leaves are known. */
  finish(): void {
    this.scale.sort();
    this.edges = Array.from({ length: this.scale.length + 1 }, () => []);
    for (const leaf of this.leaves) {
      leaf.place(this.scale);
      if (leaf.low <= this.scale.length) this.edges[leaf.low]!.push(leaf);
      if (leaf.high + 1 <= this.scale.length) this.edges[leaf.high + 1]!.push(leaf);
    }
  }

  collectFlips(before: number, after: number, flipped: Leaf[]): void {
    if (before === after) return;
    const last = Math.max(before, after);
    for (let at = Math.min(before, after) + 1; at <= last; at += 1) {
      for (const leaf of this.edges[at]!) if (leaf.meets(before) !== leaf.meets(after)) flipped.push(leaf);
    }
  }
}

/** How many events (or distinct values) lie in a window that ends at t: the newest few answer that. */
export class CountGauge extends Gauge {
  constructor(key: string, readonly feature: number, readonly window: Window) {
    super(key, 1n);
  }

  position(state: ProfileState, t: number): number {
    const series = state.series.get(this.feature);
    if (series === undefined) return this.scale.positionOf(0);
    return this.scale.positionOf(series.countAfter(this.window.lowAt(t, state.days)));
  }

  nextChange(state: ProfileState, t: number, position: number): number {
    if (position === 0 || this.window.reachMs === Infinity) return Infinity;
    const series = state.series.get(this.feature);
    if (series === undefined) return Infinity;
    // The bound that is met last is lost when so many newest events are left that it needs one more.
    const needed = Number(this.scale.wholeBefore(position));
    return needed <= 0 ? Infinity : this.window.leavesAt(timeOfNewest(series, needed), state.days);
  }
}

/** The time of the n-th newest event; a tile counts as so many at its newest one's time. */
function timeOfNewest(series: EventSeries, n: number): number {
  const exact = series.times.length - series.tiles.length;
  if (n <= exact) return series.times[series.times.length - n]!;
  let left = n - exact;
  let at = series.tiles.length - 1;
  while (at > 0 && left > series.tiles[at]!.count) {
    left -= series.tiles[at]!.count;
    at -= 1;
  }
  return series.times[at]!;
}

/** How many edges of a window are looked at in one search for the next change; then the search goes on at that edge. */
const EDGES_SEARCHED_MAX = 16;

/** A quantity over all events in any window: it goes up and down as events leave and (with a gap) come in. */
export class RangeGauge extends Gauge {
  constructor(key: string, readonly feature: number, readonly window: Window, readonly fn: 'count' | 'sum' | 'avg' | 'min' | 'max' | 'distinct') {
    super(key, fn === 'count' || fn === 'distinct' ? 1n : 1_000_000n);
  }

  position(state: ProfileState, t: number): number {
    const series = state.series.get(this.feature);
    if (series === undefined) return this.positionIn(emptySeries, 0, 0);
    return this.positionIn(series, this.from(series, t, state), this.to(series, t));
  }

  nextChange(state: ProfileState, t: number, position: number): number {
    const series = state.series.get(this.feature);
    if (series === undefined || this.window.reachMs === Infinity) return Infinity;
    const { times } = series;
    let [from, to] = [this.from(series, t, state), this.to(series, t)];
    let summary: RangeSummary | undefined;
    for (let searched = 1; ; searched += 1) {
      const leaves = from < to ? this.window.leavesAt(times[from]!, state.days) : Infinity;
      const enters = to < times.length ? this.window.entersAt(times[to]!) : Infinity;
      const edge = Math.min(leaves, enters);
      if (edge === Infinity || searched > EDGES_SEARCHED_MAX) return edge;
      const gone = from;
      while (from < to && this.window.leavesAt(times[from]!, state.days) <= edge) from += 1;
      while (to < times.length && this.window.entersAt(times[to]!) <= edge) to += 1;
      if (!summary || gone < series.tiles.length || this.window.gapped) summary = this.isSummed ? summarizeRange(series, from, to) : undefined;
      else this.removeOldest(summary, series, { gone, from, to });
      if ((summary ? this.positionBy(summary) : this.positionIn(series, from, to)) !== position) return edge;
    }
  }

  private get isSummed(): boolean {
    return this.fn !== 'distinct';
  }

  /** Takes the elements from `gone` to `from` out of a summary. */
  private removeOldest(summary: RangeSummary, series: EventSeries, at: { readonly gone: number; readonly from: number; readonly to: number }): void {
    for (let i = at.gone; i < at.from; i += 1) {
      const value = series.values[i] ?? 0;
      summary.count -= 1;
      summary.sum = addWhole(summary.sum, -value);
      if (value !== summary.low && value !== summary.high) continue;
      Object.assign(summary, summarizeRange(series, at.from, at.to));
      return;
    }
  }

  /** What people are shown; undefined: nothing to compare. */
  quantity(state: ProfileState, t: number): number | undefined {
    const series = state.series.get(this.feature) ?? emptySeries;
    const [from, to] = [this.from(series, t, state), this.to(series, t)];
    if (this.fn === 'distinct') return distinctIn(series, from, to);
    const summary = summarizeRange(series, from, to);
    if (this.fn === 'count') return summary.count;
    if (this.fn === 'sum') return Number(summary.sum) / 1e6;
    if (summary.count === 0) return undefined;
    if (this.fn === 'avg') return Number(summary.sum) / summary.count / 1e6;
    return Number(this.fn === 'min' ? summary.low : summary.high) / 1e6;
  }

  from(series: EventSeries, t: number, state: ProfileState): number {
    const low = this.window.lowAt(t, state.days);
    return low === -Infinity ? 0 : series.firstAfter(low);
  }

  to(series: EventSeries, t: number): number {
    return this.window.gapped ? series.firstAfter(this.window.highAt(t)) : series.times.length;
  }

  private positionIn(series: EventSeries, from: number, to: number): number {
    if (this.fn === 'distinct') return this.scale.positionOf(distinctIn(series, from, to));
    if (this.fn === 'count' && series.tiles.length === 0) return this.scale.positionOf(to - from);
    return this.positionBy(summarizeRange(series, from, to));
  }

  private positionBy({ count, sum, low, high }: RangeSummary): number {
    switch (this.fn) {
      case 'sum': return this.scale.positionOf(sum);
      case 'avg': return count === 0 ? -1 : this.scale.positionOfQuotient(sum, count);
      case 'min': return count === 0 ? -1 : this.scale.positionOf(low);
      case 'max': return count === 0 ? -1 : this.scale.positionOf(high);
      default: return this.scale.positionOf(count);
    }
  }
}

const emptySeries = new EventSeries();

/** The number of different values; the column holds their hashes. */
function distinctIn(series: EventSeries, from: number, to: number): number {
  const seen = new Set<unknown>();
  for (let i = from; i < to; i += 1) seen.add(series.values[i]);
  return seen.size;
}

/** A score model's value, in millionths. */
export class ScoreGauge extends Gauge {
  constructor(readonly score: string) {
    super(`score ${score}`, 1_000_000n);
  }

  position(state: ProfileState): number {
    const micros = state.scores.get(this.score);
    return micros === undefined ? -1 : this.scale.positionOf(micros);
  }

  nextChange(): number {
    return Infinity;
  }
}
