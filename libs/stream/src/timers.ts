import { shardOf } from '@tributary/contracts/shard';
import type { Pool } from '@tributary/postgres/pool';
import type { Write } from '@tributary/postgres/write';
import type { ProfileKey } from './stage.js';

export interface DueTimer {
  readonly key: ProfileKey;
  readonly dueMs: number;
}

/** The earliest timers from an instant on, at most `max`; everything due before `horizonMs` is among them or earlier. */
export async function timersBefore(pool: Pool, stage: string, fromMs: number, max: number): Promise<{ due: DueTimer[]; horizonMs: number }> {
  const { rows } = await pool.query<{ workspace: string; profile_id: string; due_ms: number }>({
    name: 'timers-before',
    text: 'select workspace, profile_id, due_ms from stream.timers where stage = $1 and due_ms >= $2 order by due_ms limit $3',
    values: [stage, Number.isFinite(fromMs) ? fromMs : '-9223372036854775808', max],
  });
  const due = rows.map((row) => ({ key: { workspace: row.workspace, profileId: row.profile_id }, dueMs: row.due_ms }));
  // With a full page, more may be due at the very instant of the last one.
  const horizonMs = rows.length < max ? Infinity : Math.max((due[due.length - 1] as DueTimer).dueMs, Number.isFinite(fromMs) ? fromMs + 1 : -Infinity);
  return { due, horizonMs };
}

/** What is armed for these profiles, by profile id. */
export async function loadTimers(pool: Pool, stage: string, keys: readonly ProfileKey[]): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ profile_id: string; due_ms: number }>({
    name: 'load-timers',
    text: `select t.profile_id, t.due_ms from unnest($2::text[], $3::uuid[]) k(workspace, profile_id)
      join stream.timers t on t.stage = $1 and t.workspace = k.workspace and t.profile_id = k.profile_id`,
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
    text: `delete from stream.timers t using unnest($2::text[], $3::uuid[]) k(workspace, profile_id)
      where t.stage = $1 and t.workspace = k.workspace and t.profile_id = k.profile_id`,
    values: [stage, keys.map(({ workspace }) => workspace), keys.map(({ profileId }) => profileId)],
  };
}
