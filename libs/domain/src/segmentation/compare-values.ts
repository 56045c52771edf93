import type { Json } from '@tributary/contracts/rule';

/** Equality by JSON type and value, deep, key order ignored, numbers as doubles (rule 13). */
export function equalValues(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((element, i) => equalValues(element, b[i]));
  }
  const [left, right] = [a as Record<string, Json>, b as Record<string, Json>];
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  return keys.every((key) => Object.hasOwn(right, key) && equalValues(left[key], right[key]));
}

/** Negative, 0 or positive for two numbers or two strings; undefined for any other pair (rule 13). */
export function orderValues(a: Json | undefined, b: Json | undefined): number | undefined {
  if (typeof a === 'number' && typeof b === 'number') return a - b || 0;
  if (typeof a === 'string' && typeof b === 'string') return orderTexts(a, b);
  return undefined;
}

/** Order by UTF-8 bytes, which is the order of code points. */
export function orderTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const [left, right] = [a.charCodeAt(i), b.charCodeAt(i)];
    // In UTF-16 surrogates sort below U+E000 to U+FFFF, though they stand for higher code points.
    if (left !== right) return (left < 0xd800 ? left : (left + 0x2000) & 0xffff | 0x10000) - (right < 0xd800 ? right : (right + 0x2000) & 0xffff | 0x10000);
  }
  return a.length - b.length;
}

/** As `valueKey`, cheaper for texts: the key of an index by value. */
export function indexKey(value: Json): string {
  return typeof value === 'string' ? `"${value}` : valueKey(value);
}

/** One text per class of equal values: the canonical form of a value in a rule. */
export function valueKey(value: Json): string {
  if (typeof value === 'number') return value === 0 ? '0' : String(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(valueKey).join(',')}]`;
  const object = value as { readonly [key: string]: Json };
  return `{${Object.keys(object).sort().map((key) => `${JSON.stringify(key)}:${valueKey(object[key]!)}`).join(',')}}`;
}
