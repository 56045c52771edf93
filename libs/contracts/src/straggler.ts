import type { Entry, EntryHeader } from './entry.js';

/** An entry that travels inside a `Transfer`: base64 of JSON `{header, body}`, the body base64 of its bytes as they came. */
export function encodeStraggler({ body, ...header }: Entry): string {
  return Buffer.from(JSON.stringify({ header, body: body.toString('base64') })).toString('base64');
}

/** @throws Error for what `encodeStraggler` has not written */
export function decodeStraggler(straggler: string): Entry {
  const { header, body } = JSON.parse(Buffer.from(straggler, 'base64').toString()) as { header: EntryHeader; body: string };
  return { ...header, body: Buffer.from(body, 'base64') };
}
