import { addWhole, type Whole } from './exact-decimal.js';
import { summarizeRange } from './summarize-range.js';

/** Elements kept one by one; beyond that the oldest become tiles and the answer is approximate. */
export const KEPT_MAX = 4_096;

/** How deep a series must be for all that is asked of it. */
export interface SeriesDepth {
  /** The newest so many are kept wherever they lie: enough for thresholds on windows that end at t. */
  readonly newest: number;
  /** All that is younger than this is kept; 0: nothing on this ground. */
  readonly fullMs: number;
  /** What is older than this is asked for by nobody. */
  readonly reachMs: number;
  /** Elements carry a number. */
  readonly valued: boolean;
  /** One element per id, at its newest time: distinct values rather than events. */
  readonly latest: boolean;
  /** Past the bound old events become tiles; else (distinct values) they are left out. */
  readonly tiled: boolean;
}

/**
 * The set of one profile's events that one feature counts, as parallel columns in order of (time, id). Inserting is
 * idempotent and commutative; two series unite as sets. A tile stands for several old events at the time of its newest.
 */
export class EventSeries {
  times: number[] = [];
  /** `hashText` of the message id (of the value, for `latest`); −1 for a tile. */
  ids: number[] = [];
  values: Whole[] = [];
  /** Per tile, and tiles are the oldest elements: how many events, their least and greatest value. */
  tiles: { count: number; low: Whole; high: Whole }[] = [];
  tileWidthMs = 60_000;
  /** Something was left out as no longer needed: counts beyond the kept are lower bounds. */
  evicted = false;
  /** Something that counts was left out for want of room. */
  capped = false;
  /** Changes with every change of the elements before this index; summaries of ranges are cached by it. */
  dirtyFrom = 0;
  /**
   * The positions of the feature's gauges when they were last found. They stay true until the series changes or an
   * instant comes at which one of them may change, and then they are found again.
   */
  positions: number[] | undefined = undefined;
  private prunedAtLength = 64;

  get approximate(): boolean {
    return this.capped || this.tiles.length > 0;
  }

  /** Is anything different now? Nothing is where the element is known, or too old to be asked for. */
  insert(element: { readonly time: number; readonly id: number; readonly value: Whole }, depth: SeriesDepth, nowMs: number): boolean {
    const { time, id, value } = element;
    if (time <= nowMs - depth.reachMs) return false;
    if (depth.latest && !this.replaceOlder(id, time)) return false;
    const at = this.positionOf(time, id);
    if (at < this.times.length && this.times[at] === time && this.ids[at] === id) return false;
    if (at < this.tiles.length) return this.addToTile(at, value);
    if (at === 0 && this.mayEvict(time, depth, nowMs) && this.times.length >= depth.newest) {
      this.evicted = true;
      return false;
    }
    insertAt(this.times, at, time);
    insertAt(this.ids, at, id);
    if (depth.valued) insertAt(this.values, at, value);
    this.dirtyFrom = Math.min(this.dirtyFrom, at);
    this.trim(depth, nowMs);
    return true;
  }

  /** Leaves out what nobody will ask for again. */
  prune(depth: SeriesDepth, nowMs: number): void {
    let drop = 0;
    const dead = nowMs - depth.reachMs;
    while (drop < this.times.length && this.times[drop]! <= dead) drop += 1;
    const outOfReach = drop;
    while (this.times.length - drop > depth.newest && this.mayEvict(this.times[drop]!, depth, nowMs)) drop += 1;
    if (drop === 0) return;
    if (drop > outOfReach) this.evicted = true;
    this.dropOldest(drop);
  }

  /** The number of events with a time later than `low`. */
  countAfter(low: number): number {
    const at = this.firstAfter(low);
    if (at >= this.tiles.length) return this.times.length - at;
    return summarizeRange(this, at, this.times.length).count;
  }

  /** The index of the first element with a time later than `low`. */
  firstAfter(low: number): number {
    const times = this.times;
    let high = times.length;
    // Most series are short and most questions are about their newest part.
    for (let looks = 0; looks < 8; looks += 1) {
      if (high === 0 || times[high - 1]! <= low) return high;
      high -= 1;
    }
    let bottom = 0;
    while (bottom < high) {
      const middle = (bottom + high) >>> 1;
      if (times[middle]! <= low) bottom = middle + 1;
      else high = middle;
    }
    return bottom;
  }

  dropOldest(count: number): void {
    this.times.splice(0, count);
    this.ids.splice(0, count);
    if (this.values.length > 0) this.values.splice(0, count);
    this.tiles.splice(0, Math.min(count, this.tiles.length));
    this.dirtyFrom = 0;
  }

  private mayEvict(time: number, depth: SeriesDepth, nowMs: number): boolean {
    return depth.fullMs === 0 || time <= nowMs - depth.fullMs;
  }

  private trim(depth: SeriesDepth, nowMs: number): void {
    const length = this.times.length;
    if (depth.fullMs === 0) {
      if (length > depth.newest) {
        this.dropOldest(length - depth.newest);
        this.evicted = true;
      }
      return;
    }
    if (length >= this.prunedAtLength) {
      this.prune(depth, nowMs);
      this.prunedAtLength = Math.max(64, 2 * this.times.length);
    }
  }

  /** For `latest`: false where the id is known at this time or later; an older sighting is removed. */
  private replaceOlder(id: number, time: number): boolean {
    const known = this.ids.indexOf(id);
    if (known < 0) return true;
    if (this.times[known]! >= time) return false;
    this.times.splice(known, 1);
    this.ids.splice(known, 1);
    this.dirtyFrom = Math.min(this.dirtyFrom, known);
    return true;
  }

  private addToTile(at: number, value: Whole): boolean {
    const tile = this.tiles[at]!;
    tile.count += 1;
    if (this.values.length > 0) {
      this.values[at] = addWhole(this.values[at]!, value);
      if (value < tile.low) tile.low = value;
      if (value > tile.high) tile.high = value;
    }
    this.dirtyFrom = Math.min(this.dirtyFrom, at);
    return true;
  }

  private positionOf(time: number, id: number): number {
    const { times, ids } = this;
    const length = times.length;
    if (length === 0 || times[length - 1]! < time) return length;
    let [low, high] = [0, length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = times[middle]! - time || ids[middle]! - id;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function insertAt<T>(column: T[], at: number, element: T): void {
  if (at === column.length) column.push(element);
  else column.splice(at, 0, element);
}
