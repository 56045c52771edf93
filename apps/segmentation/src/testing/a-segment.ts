import type { Entry } from '@tributary/contracts/entry';
import type { RuleNode } from '@tributary/contracts/rule';
import type { SegmentsStore } from '../segments.postgres.js';

export const NOON_MS = Date.parse('2026-03-01T12:00:00.000Z');

/** Profile ids for tests, told apart by their number; spread over the partitions by their first byte. */
export function aProfile(number: number): string {
  return `${(number % 256).toString(16).padStart(2, '0')}000000-0000-8000-8000-${String(number).padStart(12, '0')}`;
}

export interface SegmentOverrides {
  readonly workspace?: string;
  readonly version?: number;
  readonly paused?: boolean;
  readonly stay?: RuleNode | null;
}

/** Saves a definition without the door's checks. */
export async function saveSegment(store: SegmentsStore, key: string, rule: RuleNode, over: SegmentOverrides = {}): Promise<void> {
  const workspace = over.workspace ?? 'ws_a';
  await store.change(workspace, () => ({
    kind: 'put',
    segment: { workspace, key, name: key, description: '', rule, stay: over.stay ?? null, version: over.version ?? 1, paused: over.paused ?? false, createdMs: NOON_MS, updatedMs: NOON_MS },
  }));
}

let entries = 0;

export interface EventOverrides {
  readonly name?: string;
  readonly type?: string;
  readonly messageId?: string;
  readonly properties?: object;
}

/** A track event of a profile, known as soon as it happened. */
export function anEvent(profile: number, atMs: number, { name = 'Order Completed', type = 'track', messageId, properties = {} }: EventOverrides = {}): Entry {
  entries += 1;
  return {
    kind: 'event', workspace: 'ws_a', profileId: aProfile(profile), type, name, messageId: messageId ?? `m${entries}`,
    timestampMs: atMs, appendedAtMs: atMs, source: 0, offset: entries, body: Buffer.from(JSON.stringify({ properties })),
  };
}
