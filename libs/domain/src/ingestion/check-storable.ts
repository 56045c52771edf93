import { refusal, type Refusal } from './refusal.js';

const ESCAPE = /\\u(?:0000|[dD][89a-fA-F])/;
/** Where a number can begin, so that hexadecimal ids in quotes are passed over. */
const EXPONENT = /[:,[\s]-?\d+(?:\.\d+)?[eE][-+]?\d{3}/;
const DIGITS = /\d{300}/;
const STRINGS = /"(?:[^"\\]|\\.)*"/g;
const NUMBERS = /-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/g;
const NUMBER_LENGTH_MAX = 400;
const EXPONENT_MAX = 308;
/** Digits behind the point that PostgreSQL's numeric holds at least. */
const DIGITS_STORABLE = 10_000;

/**
 * Whether JSON that JavaScript reads can be stored by PostgreSQL as well, which refuses U+0000, half surrogate pairs and
 * numbers with outrageous exponents. What came in through the door must never stop a later stage.
 * @param text valid JSON
 */
export function checkStorable(text: string): Refusal | null {
  if (!isSuspect(text)) return null;
  for (const [literal] of text.matchAll(STRINGS)) {
    if (!literal.includes('\\u')) continue;
    const string = JSON.parse(literal) as string;
    if (string.includes('\0') || !string.isWellFormed()) return refusal('unstorable_text');
  }
  for (const [literal] of text.replace(STRINGS, '""').matchAll(NUMBERS)) {
    const exponent = /[eE]([-+]?\d+)$/.exec(literal)?.[1] ?? '0';
    if (literal.length > NUMBER_LENGTH_MAX || Math.abs(Number(exponent)) > EXPONENT_MAX || !Number.isFinite(Number(literal))) {
      return refusal('unstorable_number');
    }
  }
  return null;
}

/** Cheap, and wrong on the safe side: nearly no event gets past it. */
function isSuspect(text: string): boolean {
  return (text.includes('\\u') && ESCAPE.test(text)) || EXPONENT.test(text) || (text.length > DIGITS_STORABLE && DIGITS.test(text));
}
