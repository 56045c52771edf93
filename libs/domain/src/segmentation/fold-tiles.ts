import { KEPT_MAX, type EventSeries, type SeriesDepth } from './event-series.js';
import { addWhole } from './exact-decimal.js';

/** How many elements go into tiles at a time, so that folding is rare. */
const FOLDED_AT_ONCE = 1_024;
/** Beyond this many tiles their width grows tenfold. */
const TILES_MAX = 4_096;

/**
 * Keeps a series within its bound by folding its oldest events into tiles of one minute (wider when even those are too
 * many). Its answers are marked approximate from then on: a tile counts as a whole, at the time of its newest event.
 */
export function foldTiles(series: EventSeries, depth: SeriesDepth): void {
  if (series.times.length - series.tiles.length <= KEPT_MAX) return;
  if (!depth.tiled) {
    series.dropOldest(FOLDED_AT_ONCE);
    series.capped = true;
    return;
  }
  foldFirst(series, series.tiles.length + FOLDED_AT_ONCE);
  while (series.tiles.length > TILES_MAX) {
    series.tileWidthMs *= 10;
    foldFirst(series, series.tiles.length);
  }
}

/** Folds the first `until` elements, tiles among them, into tiles of the present width. */
function foldFirst(series: EventSeries, until: number): void {
  const { times, ids, values, tiles, tileWidthMs } = series;
  const valued = values.length > 0;
  const folded: typeof tiles = [];
  for (let i = 0; i < until; i += 1) {
    const value = valued ? values[i]! : 0;
    const piece = tiles[i] ?? { count: 1, low: value, high: value };
    const last = folded.length - 1;
    const time = times[i]!;
    if (last >= 0 && Math.floor(times[last]! / tileWidthMs) === Math.floor(time / tileWidthMs)) {
      const tile = folded[last]!;
      tile.count += piece.count;
      if (piece.low < tile.low) tile.low = piece.low;
      if (piece.high > tile.high) tile.high = piece.high;
      if (valued) values[last] = addWhole(values[last]!, value);
      times[last] = time;
      continue;
    }
    folded.push({ ...piece });
    times[last + 1] = time;
    ids[last + 1] = -1;
    if (valued) values[last + 1] = value;
  }
  const excess = until - folded.length;
  times.splice(folded.length, excess);
  ids.splice(folded.length, excess);
  if (valued) values.splice(folded.length, excess);
  series.tiles = folded;
  series.dirtyFrom = 0;
}
