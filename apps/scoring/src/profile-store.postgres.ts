import { shardOf } from '@tributary/contracts/shard';
import type { Json } from '@tributary/contracts/rule';
import { decodeState, encodeState } from '@tributary/domain/scoring/encode-state';
import type { ProfileState } from '@tributary/domain/scoring/profile-state';
import { presentTraits } from '@tributary/domain/scoring/traits';
import type { Pool } from '@tributary/postgres/pool';
import type { Write } from '@tributary/postgres/write';
import type { ProfileKey } from '@tributary/stream/stage';
import { bigintArray, jsonbArray, smallintArray, textArray, uuidArray } from '@tributary/postgres/binary-array';
import { storableJson } from './storable-json.js';

/** A state as the stage keeps it: what is remembered, and what of it its row does not have yet. */
export interface KeptProfile extends ProfileState, ProfileKey {
  /** The sequence of the last entry forwarded for the profile. */
  sequence: number;
  /** Traits have changed since they were last written. */
  traitsChanged: boolean;
}

interface Row {
  readonly workspace: string;
  readonly profile_id: string;
  readonly sequence: number;
  readonly traits: { readonly [name: string]: Json } | null;
  readonly state: string;
}

/** The states of profiles, one row each. */
export class ProfileStorePostgres {
  constructor(private readonly pool: Pool) {}

  /** By profile id; those without a row are left out. */
  async load(keys: readonly ProfileKey[]): Promise<Map<string, KeptProfile>> {
    const { rows } = await this.pool.query<Row>({
      name: 'load-profiles',
      // Lateral with a limit: one look into the index for each key, where a plain join would rather read the whole table.
      text: `select p.* from unnest($1::text[], $2::uuid[]) k(workspace, profile_id) cross join lateral (
          select workspace, profile_id, sequence, traits, state from scoring.profiles p
          where p.workspace = k.workspace collate "C" and p.profile_id = k.profile_id limit 1
        ) p`,
      values: [textArray(keys.map(({ workspace }) => workspace)), uuidArray(keys.map(({ profileId }) => profileId))],
    });
    return new Map(rows.map((row) => [row.profile_id, toKept(row)]));
  }
}

function toKept({ workspace, profile_id: profileId, sequence, traits, state }: Row): KeptProfile {
  return { ...decodeState(state, traits ?? {}), workspace, profileId, sequence, traitsChanged: false };
}

const UPSERT = `insert into scoring.profiles as p (created_ms, updated_ms, sequence, engagement, shard, profile_id, survivor_id, workspace, traits, state)
  select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::smallint[], $6::uuid[], $7::uuid[], $8::text[], $9::jsonb[], $10::text[])
  on conflict (workspace, profile_id) do update set
    created_ms = excluded.created_ms, updated_ms = excluded.updated_ms, sequence = excluded.sequence, engagement = excluded.engagement,
    survivor_id = excluded.survivor_id, traits = coalesce(excluded.traits, p.traits), state = excluded.state`;

/** One statement for all profiles that a batch touched. Traits are sent only where they changed. */
export function upsertProfiles(touched: readonly { readonly key: ProfileKey; readonly state: KeptProfile }[]): Write {
  const states = touched.map(({ state }) => state);
  const values = [
    bigintArray(states.map(({ createdMs }) => createdMs)),
    bigintArray(states.map(({ updatedMs }) => updatedMs)),
    bigintArray(states.map(({ sequence }) => sequence)),
    bigintArray(states.map(({ scores }) => scores.engagement)),
    smallintArray(touched.map(({ key }) => shardOf(key.profileId))),
    uuidArray(touched.map(({ key }) => key.profileId)),
    uuidArray(states.map(({ survivor }) => survivor)),
    textArray(touched.map(({ key }) => key.workspace)),
    jsonbArray(states.map((state) => (state.traitsChanged ? storableJson(Buffer.from(JSON.stringify(presentTraits(state.traits)))) : null))),
    textArray(states.map((state) => storableText(encodeState(state)))),
  ];
  for (const state of states) state.traitsChanged = false;
  return { text: UPSERT, values };
}

/** A state is text to us, and JSON to the views that look into it. Numbers in it are ours; only escapes can be refused. */
function storableText(state: string): string {
  return state.includes('\\u') ? storableJson(Buffer.from(state)).toString() : state;
}
