import { Problem } from './problem.js';

const LIMIT_MAX = 1_000;
const LIMIT_DEFAULT = 100;

/** `?limit=`: 1 to 1,000, by default 100. @throws Problem 400 */
export function parseLimit(limit: string | undefined): number {
  if (limit === undefined) return LIMIT_DEFAULT;
  const number = Number(limit);
  if (!Number.isInteger(number) || number < 1 || number > LIMIT_MAX) {
    throw new Problem(400, 'malformed_limit', `limit must be a whole number from 1 to ${LIMIT_MAX}.`);
  }
  return number;
}

/** A cursor is opaque to callers: the key of the last row as JSON, base64url. */
export function encodeCursor(key: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/** @param types what each part must be. @throws Problem 400 when it is none of ours */
export function decodeCursor(cursor: string | undefined, types: readonly ('string' | 'number')[]): readonly (string | number)[] | null {
  if (cursor === undefined || cursor === '') return null;
  try {
    const key: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(key) && key.length === types.length && key.every((part, index) => typeof part === types[index])) return key;
  } catch {
    // Falls through to the one answer.
  }
  throw new Problem(400, 'malformed_cursor', 'Send the cursor as the answer before gave it, or leave it out to start anew.');
}
