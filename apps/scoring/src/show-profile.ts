import type { Identifier } from '@tributary/contracts/change';
import type { Json } from '@tributary/contracts/rule';
import type { EventRow, ProfileRow } from './profile-reader.postgres.js';

/** A profile as the API answers it. Scores are 0 to 100, instants ISO 8601 UTC. */
export interface ProfileResource {
  readonly id: string;
  readonly identifiers: readonly Identifier[];
  readonly traits: { readonly [name: string]: Json };
  readonly computed: { readonly [name: string]: Json };
  readonly scores: { readonly [key: string]: number };
  readonly cluster: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

const MILLIONTHS = 1_000_000;

export function showProfile(row: ProfileRow): ProfileResource {
  return {
    id: row.profile_id,
    identifiers: row.identifiers,
    traits: row.traits,
    computed: row.computed,
    scores: Object.fromEntries(Object.entries(row.scores).map(([key, score]) => [key, score / MILLIONTHS])),
    cluster: row.cluster,
    createdAt: instant(row.created_ms),
    updatedAt: instant(row.updated_ms),
  };
}

/**
 * The event as it was sent and cleansed, with the time that counts as `timestamp`, the client's own beside it where it
 * differs, and the instant from which it was known.
 */
export function showEvent(row: EventRow): { readonly [name: string]: Json } {
  const timestamp = instant(row.ts_ms);
  const sent = row.body['timestamp'];
  return {
    ...row.body,
    messageId: row.message_id,
    type: row.type,
    timestamp,
    ...(sent === undefined || sent === timestamp || row.body['originalTimestamp'] !== undefined ? {} : { originalTimestamp: sent }),
    appendedAt: instant(row.appended_ms),
  };
}

export function instant(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
