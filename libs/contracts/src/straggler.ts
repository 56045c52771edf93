import type { Entry, EntryHeader } from './entry.js';

/** An entry that travels inside a `Transfer`: base64 of its header as JSON, a line feed, and its body as it came. */
export function encodeStraggler({ body, ...header }: Entry): string {
  return Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), body]).toString('base64');
}

/** @throws Error for what `encodeStraggler` has not written */
export function decodeStraggler(straggler: string): Entry {
  const bytes = Buffer.from(straggler, 'base64');
  const end = bytes.indexOf(0x0a);
  if (end < 0) throw new Error('a straggler without a header');
  return { ...(JSON.parse(bytes.toString('utf8', 0, end)) as EntryHeader), body: bytes.subarray(end + 1) };
}
