import type { Json } from '@tributary/contracts/rule';

const ISO = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?(Z|[+-]\d{2}:\d{2})?)?$/;

/** A rule's, trait's or property's instant as epoch milliseconds; undefined for what is none (rule 11). */
export function parseInstant(value: Json | undefined): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? Math.floor(value) : undefined;
  if (typeof value !== 'string' || value.length < 10 || value.length > 64) return undefined;
  const found = ISO.exec(value);
  if (!found) return undefined;
  const day = utcDay(Number(found[1]), Number(found[2]), Number(found[3]));
  if (day === undefined) return undefined;
  const [hour, minute, second] = [Number(found[4] ?? 0), Number(found[5] ?? 0), Number(found[6] ?? 0)];
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const millis = found[7] === undefined ? 0 : Number(found[7].slice(0, 3).padEnd(3, '0'));
  const offset = parseOffset(found[8]);
  if (offset === undefined) return undefined;
  return day * 86_400_000 + hour * 3_600_000 + minute * 60_000 + second * 1_000 + millis - offset;
}

/** Month (1 to 12) and day as the value is written, whatever its offset says; a number is read in UTC (rule 16). */
export function writtenMonthDay(value: Json | undefined): { readonly month: number; readonly day: number } | undefined {
  const instant = parseInstant(value);
  if (instant === undefined) return undefined;
  if (typeof value === 'string') return { month: Number(value.slice(5, 7)), day: Number(value.slice(8, 10)) };
  const date = new Date(instant);
  return Number.isNaN(date.getTime()) ? undefined : { month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

/** Days since 1970-01-01, or undefined where the calendar has no such day. */
export function utcDay(year: number, month: number, day: number): number | undefined {
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined;
  // Date.UTC reads the years 0 to 99 as 1900 to 1999; 400 years are a whole number of weeks and days.
  return Date.UTC(year + 400, month - 1, day) / 86_400_000 - 146_097;
}

export function daysInMonth(year: number, month: number): number {
  if (month === 2) return isLeapYear(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

export function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

function parseOffset(text: string | undefined): number | undefined {
  if (text === undefined || text === 'Z') return 0;
  const [hours, minutes] = [Number(text.slice(1, 3)), Number(text.slice(4, 6))];
  if (hours > 23 || minutes > 59) return undefined;
  return (text[0] === '-' ? -1 : 1) * (hours * 3_600_000 + minutes * 60_000);
}
