import { EventSeries, KEPT_MAX, type SeriesDepth } from './event-series.js';
import { addWhole, type Whole } from './exact-decimal.js';
import { foldTiles } from './fold-tiles.js';

/** The union of two profiles' series of one feature, as a series of its own. */
export function uniteSeries(own: EventSeries | undefined, other: EventSeries, depth: SeriesDepth, nowMs: number): EventSeries {
  const united = copySeries(own ?? new EventSeries());
  const source = other.tiles.length > 0 && united.tiles.length === 0 ? [copySeries(other), united] as const : [united, other] as const;
  const [into, from] = source;
  if (from.tiles.length > 0) uniteTiles(into, from);
  for (let i = from.tiles.length; i < from.times.length; i += 1) {
    into.insert({ time: from.times[i]!, id: from.ids[i]!, value: from.values[i] ?? 0 }, depth, nowMs);
    if (into.times.length > KEPT_MAX) foldTiles(into, depth);
  }
  into.evicted ||= from.evicted;
  into.capped ||= from.capped;
  return into;
}

export function copySeries(series: EventSeries): EventSeries {
  const copy = new EventSeries();
  copy.times = [...series.times];
  copy.ids = [...series.ids];
  copy.values = [...series.values];
  copy.tiles = series.tiles.map((tile) => ({ ...tile }));
  copy.tileWidthMs = series.tileWidthMs;
  copy.evicted = series.evicted;
  copy.capped = series.capped;
  return copy;
}

interface TileAt {
  readonly time: number;
  readonly count: number;
  readonly low: Whole;
  readonly high: Whole;
  readonly sum: Whole;
}

/** Tiles of the same stretch with the same content are the same tile; others add up. */
function uniteTiles(into: EventSeries, from: EventSeries): void {
  const width = Math.max(into.tileWidthMs, from.tileWidthMs);
  const valued = into.values.length > 0 || from.values.length > 0;
  const byStretch = new Map<number, TileAt>();
  const add = (tile: TileAt): void => {
    const stretch = Math.floor(tile.time / width);
    const there = byStretch.get(stretch);
    byStretch.set(stretch, there === undefined ? tile : same(there, tile) ? there : {
      time: Math.max(there.time, tile.time),
      count: there.count + tile.count,
      low: tile.low < there.low ? tile.low : there.low,
      high: tile.high > there.high ? tile.high : there.high,
      sum: addWhole(there.sum, tile.sum),
    });
  };
  const tilesOf = (series: EventSeries): TileAt[] => series.tiles.map((tile, i) => ({ ...tile, time: series.times[i]!, sum: series.values[i] ?? 0 }));
  [...tilesOf(into), ...tilesOf(from)].forEach(add);
  const tiles = [...byStretch.values()].sort((a, b) => a.time - b.time);
  const exact = into.tiles.length;
  const newest = tiles[tiles.length - 1]!.time;
  // Elements that are older than the newest tile belong into tiles too.
  const rest = into.times.slice(exact).map((time, i) => ({ time, id: into.ids[exact + i]!, value: into.values[exact + i] ?? 0 }));
  rest.filter((one) => one.time <= newest).forEach((one) => add({ time: one.time, count: 1, low: one.value, high: one.value, sum: one.value }));
  const all = [...byStretch.values()].sort((a, b) => a.time - b.time);
  const later = rest.filter((one) => one.time > newest);
  into.times = [...all.map((tile) => tile.time), ...later.map((one) => one.time)];
  into.ids = [...all.map(() => -1), ...later.map((one) => one.id)];
  into.values = valued ? [...all.map((tile) => tile.sum), ...later.map((one) => one.value)] : [];
  into.tiles = all.map(({ count, low, high }) => ({ count, low, high }));
  into.tileWidthMs = width;
  into.dirtyFrom = 0;
}

function same(a: TileAt, b: TileAt): boolean {
  return a.time === b.time && a.count === b.count && a.low === b.low && a.high === b.high && a.sum === b.sum;
}
