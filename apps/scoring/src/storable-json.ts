import { isUtf8 } from 'node:buffer';

const BACKSLASH = 0x5c;
const LETTER_U = 0x75;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;

/** An exponent of three digits or more, outside of most strings: numbers that `jsonb` may not take. */
const LONG_EXPONENT = /(?:^|[[:,\s])-?\d[\d.]*[eE][+-]?\d{3}/;

/**
 * The text of a JSON document as PostgreSQL's `jsonb` takes it. JSON allows what `jsonb` refuses: the character U+0000
 * and halves of surrogate pairs in strings (they become U+FFFD), and numbers beyond any exponent (they become the
 * greatest double); bytes that are not UTF-8 become U+FFFD as well. Almost every document is returned as it is, the same bytes; one refused document would stop
 * everything behind it for good.
 * @param json a well-formed JSON document
 */
export function storableJson(json: Buffer): Buffer {
  const isEncoded = isUtf8(json);
  if (isEncoded && !isSuspicious(json)) return json;
  return Buffer.from(JSON.stringify(cleaned(JSON.parse(json.toString()))));
}

function isSuspicious(json: Buffer): boolean {
  let hasLongExponent = false;
  for (let index = 1; index < json.length; index++) {
    const byte = json[index] as number;
    // Only characters that are escaped can be refused: `\u0000`, `\ud83d`.
    if (byte === LETTER_U && json[index - 1] === BACKSLASH && isRefusable(json, index + 1)) return true;
    // 0x45 and 0x65 are E and e.
    if ((byte | 0x20) === 0x65 && isDigit(json[index - 1]) && exponentDigits(json, index + 1) >= 3) hasLongExponent = true;
  }
  return hasLongExponent && LONG_EXPONENT.test(json.toString());
}

/** `0000`, or what begins with d8 to df. */
function isRefusable(json: Buffer, at: number): boolean {
  const first = json[at] as number;
  if (first === DIGIT_0) return json[at + 1] === DIGIT_0 && json[at + 2] === DIGIT_0 && json[at + 3] === DIGIT_0;
  return (first | 0x20) === 0x64;
}

function exponentDigits(json: Buffer, at: number): number {
  let index = json[at] === 0x2b || json[at] === 0x2d ? at + 1 : at;
  const start = index;
  while (isDigit(json[index])) index++;
  return index - start;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= DIGIT_0 && byte <= DIGIT_9;
}

function cleaned(value: unknown): unknown {
  if (typeof value === 'string') return cleanedString(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : Math.sign(value) * Number.MAX_VALUE;
  if (Array.isArray(value)) return value.map(cleaned);
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([name, inner]) => [cleanedString(name), cleaned(inner)]));
  return value;
}

function cleanedString(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\ufffd');
}
