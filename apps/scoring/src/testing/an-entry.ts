import type { Entry } from '@tributary/contracts/entry';
import type { Json } from '@tributary/contracts/rule';

export const WORKSPACE = 'ws_test';

/** Ids whose first byte, the shard, differs. */
export const ADA = '0a000000-0000-4000-8000-000000000001';
export const BOB = 'b0000000-0000-4000-8000-000000000002';
export const CLEO = 'c0000000-0000-4000-8000-000000000003';

/** A Monday in November 2026, noon. */
export const NOON_MS = Date.UTC(2026, 10, 23, 12);

let made = 0;

export interface EntryFields extends Partial<Omit<Entry, 'body'>> {
  readonly body?: Json | Buffer;
}

/** A track event of Ada at noon, known at once, unless said otherwise. Without a message id it gets one of its own. */
export function anEntry({ body = {}, ...fields }: EntryFields = {}): Entry {
  const timestampMs = fields.timestampMs ?? fields.appendedAtMs ?? NOON_MS;
  return {
    kind: 'event', workspace: WORKSPACE, profileId: ADA, type: 'track', name: 'Product Viewed', messageId: `m${++made}`,
    timestampMs, appendedAtMs: timestampMs, source: 0, offset: 0,
    ...fields,
    body: Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body)),
  };
}

export function aPageView(fields: EntryFields = {}): Entry {
  return anEntry({ type: 'page', name: 'page', ...fields });
}

export function aMail(name: 'Email Delivered' | 'Email Opened' | 'Email Link Clicked', emailId: Json, fields: EntryFields = {}): Entry {
  return anEntry({ name, body: { properties: { email_id: emailId } }, ...fields });
}

export function anIdentify(traits: Json, fields: EntryFields = {}): Entry {
  return anEntry({ type: 'identify', name: '', body: { traits }, ...fields });
}

/** The two control entries of a merge, as ingestion sends them. */
export function aMerge(loser: string, survivor: string, appendedAtMs: number): readonly [merged: Entry, merging: Entry] {
  const control = { type: '', name: '', messageId: `merge:${loser}`, appendedAtMs, timestampMs: appendedAtMs, body: Buffer.alloc(0) };
  return [anEntry({ ...control, kind: 'merged', profileId: loser, other: survivor }), anEntry({ ...control, kind: 'merging', profileId: survivor, other: loser })];
}

/** What becomes of a forwarded `merged` entry once segmentation and the inlet have had it. */
export function transferOf(forwarded: Entry, appendedAtMs: number): Entry {
  const { survivor, loser } = JSON.parse(forwarded.body.toString()) as { survivor: string; loser: string };
  return anEntry({ kind: 'transfer', type: '', name: '', messageId: `transfer:${forwarded.messageId}`, profileId: survivor, other: loser, appendedAtMs, body: forwarded.body });
}
