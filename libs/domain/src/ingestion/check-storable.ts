import { refusal, type Refusal } from './refusal.js';

const SUSPECT = /\\u(?:0000|[dD][89a-fA-F])|\d[eE][-+]?\d{3}|\d{300}/;
const STRINGS = /"(?:[^"\\]|\\.)*"/g;
const NUMBERS = /-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/g;
const NUMBER_LENGTH_MAX = 400;
const EXPONENT_MAX = 308;

/**
 * Whether JSON that JavaScript reads can be stored by PostgreSQL as well, which refuses U+0000, half surrogate pairs and
 * numbers with outrageous exponents. What came in through the door must never stop a later stage.
 * @param text valid JSON
 */
export function checkStorable(text: string): Refusal | null {
  if (!SUSPECT.test(text)) return null;
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
