import type { Entry } from '@tributary/contracts/entry';

export const NOON_MS = Date.parse('2026-03-01T12:00:00.000Z');

export type EntryOverrides = Partial<Omit<Entry, 'body'>> & { readonly body?: unknown };

let entries = 0;

/** A track event of workspace `ws_a`; every one has a message id of its own. A text for a body is taken as it is. */
export function anEvent({ body = { properties: {} }, ...header }: EntryOverrides = {}): Entry {
  entries += 1;
  return {
    kind: 'event', workspace: 'ws_a', profileId: '00000000-0000-8000-8000-000000000001', type: 'track', name: 'Product Viewed', messageId: `m${entries}`,
    timestampMs: NOON_MS, appendedAtMs: NOON_MS, source: 0, offset: entries, purposes: ['behavioural_tracking'], ...header,
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  };
}

export function anIdentify(traits: unknown, header: EntryOverrides = {}): Entry {
  return anEvent({ type: 'identify', name: '', body: { userId: '42', traits }, ...header });
}
