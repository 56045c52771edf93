import type { Entry } from '@tributary/contracts/entry';

export const NOON_MS = Date.parse('2026-03-01T12:00:00.000Z');

export type EntryOverrides = Partial<Omit<Entry, 'body'>> & { readonly body?: unknown };

let entries = 0;

/** A track event of workspace `ws_a`; every one has a message id of its own. */
export function anEvent({ body, ...header }: EntryOverrides = {}): Entry {
  entries += 1;
  return {
    kind: 'event', workspace: 'ws_a', profileId: aProfile(1), type: 'track', name: 'Product Viewed', messageId: `m${entries}`,
    timestampMs: NOON_MS, appendedAtMs: NOON_MS, source: 0, offset: entries, ...header,
    body: Buffer.from(JSON.stringify(body ?? { properties: {} })),
  };
}

/** A decision as it comes in the stream. */
export function aDecision(decision: 'granted' | 'withdrawn', header: EntryOverrides = {}, properties: object = {}): Entry {
  return anEvent({ name: 'Consent Updated', ...header, body: { properties: { purpose: 'behavioural_tracking', decision, ...properties } } });
}

/** Profile ids for tests, told apart by their number. */
export function aProfile(number: number): string {
  return `00000000-0000-8000-8000-${String(number).padStart(12, '0')}`;
}
