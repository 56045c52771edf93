import { shardOf } from '@tributary/contracts/shard';
import type { Pool } from '@tributary/postgres/pool';
import type { Write } from '@tributary/postgres/write';
import type { ProfileKey } from './stage.js';

export interface DueTimer {
  readonly key: ProfileKey;
  readonly dueMs: number;
}

/** A place in the order of timers: by due instant, then profile. */
export interface TimerPlace {
  readonly dueMs: number;
  readonly profileId: string;
}

export const FIRST_PLACE: TimerPlace = { dueMs: Number.MIN_SAFE_INTEGER, profileId: '00000000-0000-0000-0000-000000000000' };

/** The next timers after a place, of profiles in these partitions, at most `max`. */
export async function timersAfter(pool: Pool, stage: string, after: TimerPlace, of: { readonly partitions: number; readonly owned: readonly number[] }, max: number): Promise<DueTimer[]> {
  const { rows } = await pool.query<{ workspace: string; profile_id: string; due_ms: number }>({
    name: 'timers-after',
    text: `select workspace, profile_id, due_ms from stream.timers
      where stage = $1 and (due_ms, profile_id) > ($2, $3) and shard % $4::int = any($5::int[])
      order by due_ms, profile_id limit $6`,
    values: [stage, after.dueMs, after.profileId, of.partitions, of.owned, max],
  });
  return rows.map((row) => ({ key: { workspace: row.workspace, profileId: row.profile_id }, dueMs: row.due_ms }));
}

/** What is armed for these profiles, by profile id. */
export async function loadTimers(pool: Pool, stage: string, keys: readonly ProfileKey[]): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ profile_id: string; due_ms: number }>({
    name: 'load-timers',
    // Key by key: planned as a join, it may walk all timers for each of them.
    text: `select k.profile_id, t.due_ms from unnest($2::text[], $3::uuid[]) k(workspace, profile_id)
      cross join lateral (select due_ms from stream.timers where stage = $1 and workspace = k.workspace and profile_id = k.profile_id limit 1) t`,
    values: [stage, keys.map(({ workspace }) => workspace), keys.map(({ profileId }) => profileId)],
  });
  return new Map(rows.map((row) => [row.profile_id, row.due_ms]));
}

export function upsertTimers(stage: string, timers: readonly DueTimer[]): Write {
  return {
    text: `insert into stream.timers (stage, shard, workspace, profile_id, due_ms)
      select $1, * from unnest($2::smallint[], $3::text[], $4::uuid[], $5::bigint[])
      on conflict (stage, workspace, profile_id) do update set due_ms = excluded.due_ms`,
    values: [
      stage,
      timers.map(({ key }) => shardOf(key.profileId)),
      timers.map(({ key }) => key.workspace),
      timers.map(({ key }) => key.profileId),
      timers.map(({ dueMs }) => dueMs),
    ],
  };
}

export function deleteTimers(stage: string, keys: readonly ProfileKey[]): Write {
  return {
    text: `delete from stream.timers where ctid = any(array(
      select t.ctid from unnest($2::text[], $3::uuid[]) k(workspace, profile_id)
      cross join lateral (select ctid from stream.timers where stage = $1 and workspace = k.workspace and profile_id = k.profile_id limit 1) t))`,
    values: [stage, keys.map(({ workspace }) => workspace), keys.map(({ profileId }) => profileId)],
  };
}
