import type { Json } from '@tributary/contracts/rule';
import { parseInstant, utcDay } from '../segmentation/parse-instant.js';
import type { FieldContext, Normalized } from './normalized.js';
import { tidyText } from './tidy-text.js';

const YEAR_FIRST = /^(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})$/;
const COMPACT = /^(\d{4})(\d{2})(\d{2})$/;
const DOTTED = /^(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})$/;
const YEAR_LAST = /^(\d{1,2})[/-](\d{1,2})[/-](\d{4})$/;
const DAY_IN_WORDS = /^(\d{1,2})(?:st|nd|rd|th|\.)? (?:of )?([a-z]{3,9})\.?,? (\d{4})$/i;
const MONTH_IN_WORDS = /^([a-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})$/i;
const MONTHS = ['january', 'february', 'march', 'april', 'may', 'june', 'july', 'august', 'september', 'october', 'november', 'december'];
/** Where the month is written first. */
const MONTH_FIRST: ReadonlySet<string> = new Set(['US', 'AS', 'FM', 'GU', 'MH', 'MP', 'PH', 'PR', 'PW', 'UM', 'VI']);
/** A number nearer to 1970 than this is no birthday in milliseconds but something else, a year, a day count. */
const PLAUSIBLE_MS_MIN = 1e9;

/**
 * A birthday as `YYYY-MM-DD`: month and day as written, whatever time and zone follow them. 03/04/1980 is one day in the
 * United States and another in most of the world; without a country it stays as it is.
 */
export function normalizeBirthday(value: Json, { country }: FieldContext): Normalized {
  if (typeof value === 'number') return readNumber(value);
  if (typeof value !== 'string') return { value: undefined, issue: 'invalid_birthday' };
  const text = tidyText(value);
  if (parseInstant(text) !== undefined) return { value: text.slice(0, 10) };
  const date = readUnambiguous(text);
  if (date !== null) return { value: date };
  const numbers = YEAR_LAST.exec(text);
  if (numbers === null) return { value: text, issue: 'invalid_birthday' };
  return readYearLast(text, [Number(numbers[1]), Number(numbers[2]), Number(numbers[3])], country);
}

function readNumber(value: number): Normalized {
  const date = new Date(value);
  if (Math.abs(value) < PLAUSIBLE_MS_MIN || Number.isNaN(date.getTime())) return { value, issue: 'invalid_birthday' };
  const iso = date.toISOString();
  return iso.length === 24 ? { value: iso.slice(0, 10) } : { value, issue: 'invalid_birthday' };
}

function readUnambiguous(text: string): string | null {
  const yearFirst = YEAR_FIRST.exec(text) ?? COMPACT.exec(text);
  if (yearFirst !== null) return isoOf(Number(yearFirst[1]), Number(yearFirst[2]), Number(yearFirst[3]));
  const dotted = DOTTED.exec(text);
  if (dotted !== null) return isoOf(Number(dotted[3]), Number(dotted[2]), Number(dotted[1]));
  const dayFirst = DAY_IN_WORDS.exec(text);
  if (dayFirst !== null) return isoOf(Number(dayFirst[3]), monthOf(dayFirst[2] as string), Number(dayFirst[1]));
  const monthFirst = MONTH_IN_WORDS.exec(text);
  if (monthFirst !== null) return isoOf(Number(monthFirst[3]), monthOf(monthFirst[1] as string), Number(monthFirst[2]));
  return null;
}

function readYearLast(text: string, [first, second, year]: readonly [number, number, number], country: string | null): Normalized {
  const dayFirst = isoOf(year, second, first);
  const monthFirst = isoOf(year, first, second);
  if (dayFirst === null && monthFirst === null) return { value: text, issue: 'invalid_birthday' };
  if (dayFirst === null || monthFirst === null || dayFirst === monthFirst) return { value: (dayFirst ?? monthFirst) as string };
  if (country === null) return { value: text, issue: 'ambiguous_birthday' };
  return { value: MONTH_FIRST.has(country) ? monthFirst : dayFirst };
}

/** 1 to 12, or 0 for what is no English month. */
function monthOf(word: string): number {
  const name = word.toLowerCase() === 'sept' ? 'september' : word.toLowerCase();
  return MONTHS.findIndex((month) => month === name || month.slice(0, 3) === name) + 1;
}

function isoOf(year: number, month: number, day: number): string | null {
  if (utcDay(year, month, day) === undefined) return null;
  return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}
