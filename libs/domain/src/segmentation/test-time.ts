import type { Json, ValueTest } from '@tributary/contracts/rule';
import type { LocalDays } from './local-days.js';
import { isLeapYear, parseInstant, utcDay, writtenMonthDay } from './parse-instant.js';
import { DAY_MS, parseDays, parseDuration } from './parse-duration.js';

/** A test of a value against the present: its answer changes by time alone. */
export interface TimeTest {
  holds(value: Json, t: number, days: LocalDays): boolean;
  /** The first instant after `t` at which the answer may differ from that at `t`; Infinity: it stays. */
  nextChange(value: Json, t: number, days: LocalDays): number;
  /** Depends on the local calendar, so on the time zone too. */
  readonly calendar: boolean;
}

/** Undefined where the op does not depend on time. */
export function testTime(test: ValueTest): TimeTest | undefined {
  switch (test.op) {
    case 'inLast': return spanTest(0, parseDuration(test.value)!, false);
    case 'notInLast': return spanTest(0, parseDuration(test.value)!, true);
    case 'inNext': return spanTest(-parseDuration(test.value)!, 0, false);
    case 'anniversaryInNext': return anniversaryTest(parseDays(test.value, 'zero')!);
    default: return undefined;
  }
}

/** Holds (or, negated, does not) for t in `[value + from, value + until)`, an instant given. */
function spanTest(from: number, until: number, negated: boolean): TimeTest {
  return {
    calendar: false,
    holds(value, t) {
      const instant = parseInstant(value);
      return instant !== undefined && (t >= instant + from && t < instant + until) !== negated;
    },
    nextChange(value, t) {
      const instant = parseInstant(value);
      if (instant === undefined) return Infinity;
      if (t < instant + from) return instant + from;
      return t < instant + until ? instant + until : Infinity;
    },
  };
}

/** Holds from `ahead` local days before the anniversary's day to that day's end (rule 16). */
function anniversaryTest(ahead: number): TimeTest {
  return {
    calendar: true,
    holds(value, t, days) {
      const written = writtenMonthDay(value);
      if (!written) return false;
      const today = days.dayAt(t);
      return nextAnniversary(written, today) - today <= ahead;
    },
    nextChange(value, t, days) {
      const written = writtenMonthDay(value);
      if (!written) return Infinity;
      const today = days.dayAt(t);
      let day = nextAnniversary(written, today);
      if (day - today > ahead) return startAfter(days, day - ahead, t);
      // Where the next year's span begins before this one's ends, the answer stays.
      for (let years = 0; years < 9; years += 1) {
        const next = nextAnniversary(written, day + 1);
        if (next - ahead > day + 1) return startAfter(days, day + 1, t);
        day = next;
      }
      return Infinity;
    },
  };
}

function startAfter(days: LocalDays, day: number, t: number): number {
  let start = days.startOf(day);
  for (let later = day + 1; start <= t; later += 1) start = days.startOf(later);
  return start;
}

/** The first day from `today` on whose month and day are the written ones; 29 February is 28 February in common years. */
function nextAnniversary(written: { readonly month: number; readonly day: number }, today: number): number {
  const year = new Date(today * DAY_MS).getUTCFullYear();
  const day = anniversaryIn(written, year);
  return day >= today ? day : anniversaryIn(written, year + 1);
}

function anniversaryIn(written: { readonly month: number; readonly day: number }, year: number): number {
  const leapDayMissing = written.month === 2 && written.day === 29 && !isLeapYear(year);
  return utcDay(year, written.month, leapDayMissing ? 28 : written.day)!;
}
