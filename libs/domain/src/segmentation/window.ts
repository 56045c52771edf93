import type { WindowFields } from '@tributary/contracts/rule';
import type { LocalDays } from './local-days.js';
import { DAY_MS, parseDays, parseDuration } from './parse-duration.js';
import { parseInstant } from './parse-instant.js';

/**
 * A stretch of time that moves with t. No window ends after t, and nothing known is later than t, so windows that end
 * at t have no upper bound here: that is what lets the instant before t be asked about with what is known at t.
 */
export interface Window {
  /** Same text, same window. */
  readonly key: string;
  readonly calendar: boolean;
  /** Ends some time before t: newer events can hide those that count. */
  readonly gapped: boolean;
  /** What is older than this before t is outside for ever, whatever the time zone becomes. */
  readonly reachMs: number;
  /** Where the window is simply the last so many milliseconds (Infinity: ever); undefined for calendars and gaps. */
  readonly widthMs: number | undefined;
  /** Times later than this are inside at `t`. */
  lowAt(t: number, days: LocalDays): number;
  /** Times up to and including this are inside at `t`. */
  highAt(t: number): number;
  /** The instant at which something that happened at `time` leaves. */
  leavesAt(time: number, days: LocalDays): number;
  /** The instant at which it comes in; −Infinity: as soon as it is known. */
  entersAt(time: number): number;
}

/** A fixed stretch `[from, to)`: a property of the event, not of t. */
export interface FixedRange {
  readonly fromMs: number;
  readonly toMs: number;
}

export const EVER: Window = {
  key: 'ever',
  calendar: false,
  gapped: false,
  reachMs: Infinity,
  widthMs: Infinity,
  lowAt: () => -Infinity,
  highAt: () => Infinity,
  leavesAt: () => Infinity,
  entersAt: () => -Infinity,
};

/** Local days may shift by this much when a time zone changes, or begin that much early or late. */
const CALENDAR_SLACK_MS = 3 * DAY_MS;

/** The fields must be valid. A fixed range filters events and leaves the window "ever". */
export function compileWindow(fields: WindowFields): { readonly window: Window; readonly range?: FixedRange } {
  if (fields.from !== undefined || fields.to !== undefined) {
    const range = { fromMs: parseInstant(fields.from) ?? -Infinity, toMs: parseInstant(fields.to) ?? Infinity };
    return { window: EVER, range };
  }
  if (fields.fromAgo !== undefined) return { window: gapWindow(parseDuration(fields.fromAgo)!, parseDuration(fields.toAgo)!) };
  if (fields.within === undefined) return { window: EVER };
  if (fields.calendar === true) return { window: calendarWindow(parseDays(fields.within, 'positive')!) };
  return { window: slidingWindow(parseDuration(fields.within)!) };
}

function slidingWindow(width: number): Window {
  return {
    key: `within ${width}`,
    calendar: false,
    gapped: false,
    reachMs: width,
    widthMs: width,
    lowAt: (t) => t - width,
    highAt: () => Infinity,
    leavesAt: (time) => time + width,
    entersAt: () => -Infinity,
  };
}

function gapWindow(from: number, to: number): Window {
  return {
    key: `ago ${from} ${to}`,
    calendar: false,
    gapped: true,
    reachMs: from,
    widthMs: undefined,
    lowAt: (t) => t - from,
    highAt: (t) => t - to,
    leavesAt: (time) => time + from,
    entersAt: (time) => time + to,
  };
}

function calendarWindow(dayCount: number): Window {
  return {
    key: `days ${dayCount}`,
    calendar: true,
    gapped: false,
    reachMs: dayCount * DAY_MS + CALENDAR_SLACK_MS,
    widthMs: undefined,
    lowAt: (t, days) => days.startOf(days.dayAt(t) - dayCount + 1) - 1,
    highAt: () => Infinity,
    leavesAt: (time, days) => days.startOf(days.dayAt(time) + dayCount),
    entersAt: () => -Infinity,
  };
}
