import type { EventSeries } from './event-series.js';
import { addWhole, type Whole } from './exact-decimal.js';

const BLOCK = 64;

export interface RangeSummary {
  count: number;
  sum: Whole;
  low: Whole;
  high: Whole;
}

/** By block of 64 elements; kept beside the series and made anew from the first changed element on. */
const blocksOf = new WeakMap<EventSeries, RangeSummary[]>();

/** Exact count, sum, least and greatest value of the elements with an index in `[from, to)`. */
export function summarizeRange(series: EventSeries, from: number, to: number): RangeSummary {
  const total: RangeSummary = { count: 0, sum: 0, low: Infinity, high: -Infinity };
  if (to - from <= 2 * BLOCK) {
    addElements(total, series, from, to);
    return total;
  }
  const blocks = refreshBlocks(series);
  const [first, last] = [Math.ceil(from / BLOCK), Math.floor(to / BLOCK)];
  addElements(total, series, from, first * BLOCK);
  for (let i = first; i < last; i += 1) addSummary(total, blocks[i]!);
  addElements(total, series, last * BLOCK, to);
  return total;
}

function refreshBlocks(series: EventSeries): RangeSummary[] {
  let blocks = blocksOf.get(series);
  if (!blocks) {
    blocks = [];
    series.dirtyFrom = 0;
    blocksOf.set(series, blocks);
  }
  const clean = Math.min(blocks.length, Math.floor(series.dirtyFrom / BLOCK));
  blocks.length = clean;
  for (let start = clean * BLOCK; start + BLOCK <= series.times.length; start += BLOCK) {
    const block: RangeSummary = { count: 0, sum: 0, low: Infinity, high: -Infinity };
    addElements(block, series, start, start + BLOCK);
    blocks.push(block);
  }
  series.dirtyFrom = series.times.length;
  return blocks;
}

function addElements(total: RangeSummary, series: EventSeries, from: number, to: number): void {
  const { values, tiles } = series;
  let at = from;
  for (; at < to && at < tiles.length; at += 1) {
    const { count, low, high } = tiles[at]!;
    addSummary(total, { count, sum: values[at] ?? 0, low, high });
  }
  total.count += to - at;
  if (values.length === 0) return;
  let { sum, low, high } = total;
  for (; at < to; at += 1) {
    const value = values[at]!;
    sum = addWhole(sum, value);
    if (value < low) low = value;
    if (value > high) high = value;
  }
  total.sum = sum;
  total.low = low;
  total.high = high;
}

function addSummary(total: RangeSummary, block: RangeSummary): void {
  total.count += block.count;
  total.sum = addWhole(total.sum, block.sum);
  if (block.low < total.low) total.low = block.low;
  if (block.high > total.high) total.high = block.high;
}
