import type { Pool } from '@tributary/postgres/pool';
import type { Write } from '@tributary/postgres/write';
import type { ProfileKey } from '@tributary/stream/stage';
import { decodeHeld, encodeHeld, type HeldEntry } from './held-entries.js';

/** What is held of profiles that wait for a merge: a few at a time, in a table of its own. */
export class HeldEntries {
  constructor(private readonly pool: Pool) {}

  /** By profile id. */
  async load(keys: readonly ProfileKey[]): Promise<Map<string, HeldEntry[]>> {
    if (keys.length === 0) return new Map();
    const { rows } = await this.pool.query<{ profileId: string; entries: unknown }>({
      name: 'load-held-entries',
      text: `select h.profile_id as "profileId", h.entries from segmentation.held h
        join unnest($1::text[], $2::uuid[]) k(workspace, profile_id) on h.workspace = k.workspace and h.profile_id = k.profile_id`,
      values: [keys.map(({ workspace }) => workspace), keys.map(({ profileId }) => profileId)],
    });
    return new Map(rows.map(({ profileId, entries }) => [profileId, decodeHeld(entries)]));
  }
}

/** Stores what is held now; who holds nothing any more has no row. */
export function writeHeld(profiles: readonly (ProfileKey & { readonly held: readonly HeldEntry[] })[]): Write[] {
  const holding = profiles.filter(({ held }) => held.length > 0);
  const freed = profiles.filter(({ held }) => held.length === 0);
  return [
    ...(holding.length === 0 ? [] : [{
      text: `insert into segmentation.held as h (workspace, profile_id, entries) select * from unnest($1::text[], $2::uuid[], $3::jsonb[])
        on conflict (workspace, profile_id) do update set entries = excluded.entries`,
      values: [holding.map(({ workspace }) => workspace), holding.map(({ profileId }) => profileId), holding.map(({ held }) => encodeHeld(held))],
    }]),
    ...(freed.length === 0 ? [] : [{
      text: `delete from segmentation.held h using unnest($1::text[], $2::uuid[]) k(workspace, profile_id)
        where h.workspace = k.workspace and h.profile_id = k.profile_id`,
      values: [freed.map(({ workspace }) => workspace), freed.map(({ profileId }) => profileId)],
    }]),
  ];
}
