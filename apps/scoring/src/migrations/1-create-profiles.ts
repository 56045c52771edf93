import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A profile's row is rewritten with every batch that touches it: room on the page and no index on what changes keep
 * those updates within the page. `traits` is left null until there are any.
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
        profile_id uuid not null,
        survivor_id uuid,
        workspace text collate "C" not null,
        traits jsonb,
        computed jsonb not null,
        scores jsonb not null,
        cluster text,
        state text not null,
        primary key (workspace, profile_id)
      ) with (fillfactor = 70);

      create view scoring.profiles_public as
        select workspace, profile_id, shard, coalesce(traits, '{}') as traits, computed, scores, cluster, created_ms, updated_ms
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
    await runner.query('drop view scoring.profiles_public; drop table scoring.profiles, scoring.score_models');
  }
}
