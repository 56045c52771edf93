import type { Json } from '@tributary/contracts/rule';
import { orderTexts } from './compare-values.js';
import { KEPT_MAX } from './event-series.js';

/** Beyond the bound so many are left out at a time, so that it is rare. */
const CUT_AT_ONCE = 512;

/** One event that fits a step of a sequence by itself. */
export interface StepEvent {
  readonly time: number;
  readonly messageId: string;
  /** The properties that references compare, in the order of the step's `captures`; undefined where missing. */
  readonly captured: readonly (Json | undefined)[];
}

/** The set of one profile's events that fit a step, in event order: time, then message id by UTF-8 bytes (rule 3). */
export class StepSeries {
  events: StepEvent[] = [];
  /** Something that counts was left out for want of room. */
  capped = false;

  /** False where the event is known, or too old to be asked for. */
  insert(event: StepEvent, reachMs: number, nowMs: number): boolean {
    if (event.time <= nowMs - reachMs) return false;
    const at = firstNotBefore(this.events, event);
    const there = this.events[at];
    if (there !== undefined && orderEvents(there, event) === 0) return false;
    if (at === this.events.length) this.events.push(event);
    else this.events.splice(at, 0, event);
    if (this.events.length >= 64 && this.events[31]!.time <= nowMs - reachMs) this.prune(reachMs, nowMs);
    if (this.events.length > KEPT_MAX + CUT_AT_ONCE) {
      this.events.splice(0, CUT_AT_ONCE);
      this.capped = true;
    }
    return true;
  }

  prune(reachMs: number, nowMs: number): void {
    const dead = nowMs - reachMs;
    let drop = 0;
    while (drop < this.events.length && this.events[drop]!.time <= dead) drop += 1;
    if (drop > 0) this.events.splice(0, drop);
  }
}

export function orderEvents(a: StepEvent, b: StepEvent): number {
  return a.time - b.time || orderTexts(a.messageId, b.messageId);
}

/** The index of the first event that is not before `event`. */
export function firstNotBefore(events: readonly StepEvent[], event: StepEvent): number {
  let [low, high] = [0, events.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (orderEvents(events[middle]!, event) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The index of the first event that is after `event`. */
export function firstAfterEvent(events: readonly StepEvent[], event: StepEvent): number {
  const at = firstNotBefore(events, event);
  const there = events[at];
  return there !== undefined && orderEvents(there, event) === 0 ? at + 1 : at;
}
