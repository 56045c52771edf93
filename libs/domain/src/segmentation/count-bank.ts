import type { EventSeries } from './event-series.js';
import type { CountGauge } from './gauge.js';
import type { Leaf } from './leaf.js';

/** Up to so many elements a step from window to window is cheaper than a search. */
const WALKED_MAX = 64;

/**
 * All counts of one feature over windows that end at t, side by side in flat arrays: an event asks every one of them, so
 * they are asked in one pass over the newest elements, from the narrowest window to the widest.
 */
export class CountBank {
  private readonly widths: Float64Array;
  /** Where the bounds of each gauge begin in `bounds`; one more for the end. */
  private readonly starts: Int32Array;
  private readonly bounds: Float64Array;

  /** `gauges`: by rising width. */
  constructor(private readonly gauges: readonly CountGauge[]) {
    const bounds = gauges.map((gauge) => Array.from({ length: gauge.scale.length }, (_, i) => Number(gauge.scale.wholeBefore(i + 1))));
    this.widths = Float64Array.from(gauges, (gauge) => gauge.window.widthMs!);
    this.bounds = Float64Array.from(bounds.flat());
    this.starts = new Int32Array(gauges.length + 1);
    bounds.forEach((all, i) => { this.starts[i + 1] = this.starts[i]! + all.length; });
  }

  get length(): number {
    return this.gauges.length;
  }

  /** Moves `positions` (its first elements) to those at `t`, adds the leaves that flip, and returns the next change. No tiles. */
  collect(series: EventSeries, t: number, positions: number[], flipped: Leaf[]): number {
    const { widths, starts, bounds } = this;
    const { times } = series;
    const length = times.length;
    let [at, next] = [length, Infinity];
    for (let i = 0; i < widths.length; i += 1) {
      const width = widths[i]!;
      const low = t - width;
      if (length <= WALKED_MAX) while (at > 0 && times[at - 1]! > low) at -= 1;
      else at = series.firstAfter(low);
      const count = length - at;
      const [start, end] = [starts[i]!, starts[i + 1]!];
      const before = positions[i]!;
      let bound = start + before;
      while (bound < end && bounds[bound]! <= count) bound += 1;
      while (bound > start && bounds[bound - 1]! > count) bound -= 1;
      const position = bound - start;
      if (position !== before) {
        positions[i] = position;
        this.gauges[i]!.collectFlips(before, position, flipped);
      }
      const needed = position === 0 ? 0 : bounds[bound - 1]!;
      if (needed <= 0) continue;
      // The bound met last is lost when the event that just meets it leaves.
      const change = times[length - needed]! + width;
      if (change < next) next = change;
    }
    return next;
  }
}
