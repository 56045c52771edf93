import { bigintArray, byteaArray, intArray, textArray, uuidArray } from '@tributary/postgres/binary-array';
import type { Pool } from '@tributary/postgres/pool';
import type { Write } from '@tributary/postgres/write';
import type { ProfileKey } from '@tributary/stream/stage';
import { JOURNALED_BYTES_MIN } from './state-journal.js';

/** A profile as it is stored; `state` is the engine's own encoding, `journal` what was applied since (`restoreState`). */
export interface StoredProfile {
  readonly workspace: string;
  readonly profileId: string;
  readonly sequence: number;
  readonly appliedMs: number;
  readonly awaiting: readonly string[];
  readonly mergedInto: string | null;
  readonly state: Buffer;
  readonly journal: readonly Buffer[];
}

const COLUMNS = `p.workspace, p.profile_id as "profileId", p.sequence, p.applied_ms as "appliedMs", p.awaiting, p.merged_into as "mergedInto", p.state,
  case when octet_length(p.state) >= ${JOURNALED_BYTES_MIN} then array(select chunk from segmentation.state_journal j where j.profile_id = p.profile_id order by number) else '{}' end as journal`;

/** What segmentation remembers of profiles. */
export class ProfileRecords {
  constructor(private readonly pool: Pool) {}

  async load(keys: readonly ProfileKey[]): Promise<StoredProfile[]> {
    const { rows } = await this.pool.query<StoredProfile>({
      name: 'load-profile-records',
      text: `select p.* from unnest($1::text[], $2::uuid[]) k(workspace, profile_id)
        cross join lateral (
          select ${COLUMNS} from segmentation.profiles p where p.workspace = k.workspace and p.profile_id = k.profile_id limit 1
        ) p`,
      values: [textArray(keys.map(({ workspace }) => workspace)), uuidArray(keys.map(({ profileId }) => profileId))],
    });
    return rows;
  }

  /** Which of these are profiles of the workspace. */
  async stored(workspace: string, ids: readonly string[]): Promise<string[]> {
    const { rows } = await this.pool.query<{ id: string }>({
      name: 'stored-profiles',
      text: 'select profile_id as id from segmentation.profiles where workspace = $1 and profile_id = any($2::uuid[])',
      values: [workspace, ids],
    });
    return rows.map(({ id }) => id);
  }

  /** The ids of the next profiles of some shards, in order. @param cursor the last one seen, or null */
  async idsAfter(workspace: string, shards: readonly number[], cursor: string | null, limit: number): Promise<string[]> {
    const ranges = shards.map(rangeOf).filter(({ to }) => cursor === null || to > cursor);
    const { rows } = await this.pool.query<{ id: string }>({
      name: 'profile-ids-after',
      text: `select p.profile_id as id from unnest($2::uuid[], $3::uuid[]) r(low, high)
        cross join lateral (
          select profile_id from segmentation.profiles
          where workspace = $1 and profile_id >= r.low and profile_id <= r.high and ($4::uuid is null or profile_id > $4)
          order by profile_id limit $5
        ) p order by 1 limit $5`,
      values: [workspace, ranges.map(({ from }) => from), ranges.map(({ to }) => to), cursor, limit],
    });
    return rows.map(({ id }) => id);
  }
}

/** A shard is the first byte of the id. */
function rangeOf(shard: number): { readonly from: string; readonly to: string } {
  const byte = shard.toString(16).padStart(2, '0');
  return { from: `${byte}000000-0000-0000-0000-000000000000`, to: `${byte}ffffff-ffff-ffff-ffff-ffffffffffff` };
}

/** Profiles with their states whole. What was stored behind an earlier copy goes. */
export function upsertProfiles(profiles: readonly (Omit<StoredProfile, 'journal'> & { readonly chunks: number })[]): Write[] {
  const journaled = profiles.filter(({ chunks }) => chunks > 0);
  return [
    {
      text: `insert into segmentation.profiles as p (workspace, profile_id, sequence, applied_ms, awaiting, merged_into, state)
        select workspace, profile_id, sequence, applied_ms, coalesce(string_to_array(nullif(awaiting, ''), ',')::uuid[], '{}'), merged_into, state
        from unnest($1::text[], $2::uuid[], $3::bigint[], $4::bigint[], $5::text[], $6::uuid[], $7::bytea[])
          n(workspace, profile_id, sequence, applied_ms, awaiting, merged_into, state)
        on conflict (workspace, profile_id) do update set sequence = excluded.sequence, applied_ms = excluded.applied_ms,
          awaiting = excluded.awaiting, merged_into = excluded.merged_into, state = excluded.state`,
      values: [
        textArray(profiles.map(({ workspace }) => workspace)),
        uuidArray(profiles.map(({ profileId }) => profileId)),
        bigintArray(profiles.map(({ sequence }) => sequence)),
        bigintArray(profiles.map(({ appliedMs }) => appliedMs)),
        textArray(profiles.map(({ awaiting }) => awaiting.join(','))),
        uuidArray(profiles.map(({ mergedInto }) => mergedInto)),
        byteaArray(profiles.map(({ state }) => state)),
      ],
    },
    ...(journaled.length === 0 ? [] : [{
      text: 'delete from segmentation.state_journal where profile_id = any($1::uuid[])',
      values: [uuidArray(journaled.map(({ profileId }) => profileId))],
    }]),
  ];
}

/** A chunk for each of these profiles, whose stored copies stay. */
export function appendJournals(profiles: readonly (Pick<StoredProfile, 'workspace' | 'profileId' | 'sequence' | 'appliedMs'> & { readonly number: number; readonly chunk: Buffer })[]): Write[] {
  const ids = uuidArray(profiles.map(({ profileId }) => profileId));
  return [
    {
      text: `update segmentation.profiles p set sequence = n.sequence, applied_ms = n.applied_ms
        from unnest($1::text[], $2::uuid[], $3::bigint[], $4::bigint[]) n(workspace, profile_id, sequence, applied_ms)
        where p.workspace = n.workspace and p.profile_id = n.profile_id`,
      values: [textArray(profiles.map(({ workspace }) => workspace)), ids, bigintArray(profiles.map(({ sequence }) => sequence)), bigintArray(profiles.map(({ appliedMs }) => appliedMs))],
    },
    {
      text: 'insert into segmentation.state_journal (profile_id, number, chunk) select * from unnest($1::uuid[], $2::int[], $3::bytea[])',
      values: [ids, intArray(profiles.map(({ number }) => number)), byteaArray(profiles.map(({ chunk }) => chunk))],
    },
  ];
}
