import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A profile's row is rewritten with every batch that touches it: room on the page and no index on what changes keep
 * those updates within the page, and what can be read out of the state at query time is not written beside it. `traits`
 * is null until there are any.
 */
export class CreateProfiles1700000000001 implements MigrationInterface {
  name = 'CreateProfiles1700000000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table scoring.profiles (
        created_ms bigint not null,
        updated_ms bigint not null,
        sequence bigint not null,
        shard smallint not null,
        -- In millionths.
        engagement integer not null,
        profile_id uuid not null,
        survivor_id uuid,
        workspace text collate "C" not null,
        cluster text,
        traits jsonb,
        state text not null,
        primary key (workspace, profile_id)
      ) with (fillfactor = 70);

      -- ISO 8601 UTC; null for what has no such form.
      create function scoring.instant(at_ms bigint) returns text language sql immutable as $$
        select case when at_ms between -62135596800000 and 253402300799999
          then to_char(to_timestamp(at_ms / 1000.0) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') end
      $$;

      -- The computed traits in an encoded state: n counts, f and l the first and the last event.
      create function scoring.computed_in(state jsonb) returns jsonb language sql immutable as $$
        select jsonb_strip_nulls(jsonb_build_object(
          'events_count', coalesce(state->'n'->0, '0'),
          'orders_count', coalesce(state->'n'->1, '0'),
          'first_seen_at', scoring.instant((state->'f'->0)::bigint),
          'first_event', state->'f'->2,
          'last_seen_at', scoring.instant((state->'l'->0)::bigint),
          'last_event', state->'l'->2
        ))
      $$;

      create view scoring.profiles_public as
        select workspace, profile_id, shard, coalesce(traits, '{}') as traits, scoring.computed_in(state::jsonb) as computed,
          jsonb_build_object('engagement', engagement) as scores, cluster, created_ms, updated_ms
        from scoring.profiles where survivor_id is null;

      create table scoring.score_models (
        workspace text collate "C" not null,
        key text collate "C" not null,
        version integer not null,
        definition jsonb not null,
        primary key (workspace, key)
      );

      grant select on scoring.profiles_public to public;
      grant usage on schema scoring to public;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop view scoring.profiles_public; drop function scoring.computed_in, scoring.instant; drop table scoring.profiles, scoring.score_models');
  }
}
