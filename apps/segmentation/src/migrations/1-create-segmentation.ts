import { sqlFunctions } from '@tributary/domain/segmentation/sql/sql-functions';
import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Definitions and their versions, what rules remember of each profile, present members, and the log of changes. */
export class CreateSegmentation1 implements MigrationInterface {
  name = 'CreateSegmentation1700000000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table segmentation.segments (
        id int generated always as identity,
        workspace text not null,
        key text not null,
        name text not null,
        description text not null default '',
        rule jsonb not null,
        stay jsonb,
        version int not null default 1,
        paused boolean not null default false,
        definitions_version bigint not null,
        created_ms bigint not null,
        updated_ms bigint not null,
        primary key (workspace, key)
      )`);
    // What the engine of each definitions version is compiled from: kept while a partition may still switch from it.
    await runner.query(`
      create table segmentation.definitions (
        workspace text not null,
        version bigint not null,
        timezone text not null,
        purposes jsonb not null,
        segments jsonb not null,
        created_ms bigint not null,
        primary key (workspace, version)
      )`);
    // Where each partition is in switching: profiles up to the cursor follow next_version, the others version.
    await runner.query(`
      create table segmentation.switches (
        workspace text not null,
        partition int not null,
        version bigint not null,
        next_version bigint,
        cursor uuid,
        done_profiles bigint not null default 0,
        primary key (workspace, partition)
      )`);
    await runner.query(`
      create table segmentation.profiles (
        workspace text not null,
        profile_id uuid not null,
        sequence bigint not null default 0,
        applied_ms bigint not null,
        awaiting uuid[] not null default '{}',
        merged_into uuid,
        state bytea not null,
        primary key (workspace, profile_id)
      ) with (fillfactor = 70)`);
    await runner.query('alter table segmentation.profiles alter column state set storage main');
    await runner.query(`
      create table segmentation.memberships (
        workspace text not null,
        segment text not null,
        profile_id uuid not null,
        since_ms bigint not null,
        definition_version int not null,
        primary key (workspace, segment, profile_id)
      ) with (fillfactor = 90)`);
    await runner.query('create index memberships_by_profile on segmentation.memberships (profile_id)');
    await runner.query(`
      create table segmentation.changes (
        workspace text not null,
        profile_id uuid not null,
        sequence bigint not null,
        segment text not null,
        change text not null,
        effective_ms bigint not null,
        processed_ms bigint not null,
        cause text not null,
        definition_version int not null,
        reason jsonb not null,
        primary key (workspace, profile_id, sequence)
      )`);
    await runner.query('create index changes_by_segment on segmentation.changes (workspace, segment, effective_ms, profile_id, sequence)');
    await runner.query(`
      create table segmentation.lists (
        workspace text not null,
        key text not null,
        name text not null,
        created_ms bigint not null,
        primary key (workspace, key)
      )`);
    // What a list said of a profile and when it became known, so that rules can be replayed over it.
    await runner.query(`
      create table segmentation.list_members (
        workspace text not null,
        list text not null,
        profile_id uuid not null,
        from_ms bigint not null,
        to_ms bigint,
        primary key (workspace, list, profile_id, from_ms)
      )`);
    await runner.query(`
      create view segmentation.rule_profiles as
        select workspace, profile_id, created_ms as known_from_ms from scoring.profiles_public`);
    await runner.query(`
      create view segmentation.rule_clusters as
        select null::text as workspace, null::text as model, null::uuid as profile_id, null::text as label, null::bigint as from_ms, null::bigint as to_ms where false`);
    await runner.query(`
      create view segmentation.rule_computed as
        select null::text as workspace, null::text as key, null::uuid as profile_id, null::jsonb as value, null::bigint as from_ms, null::bigint as to_ms where false`);
    await runner.query(sqlFunctions);
    await runner.query('grant usage on schema rules to public');
    await runner.query(`
      create view segmentation.members as
        select workspace, segment, profile_id, since_ms from segmentation.memberships`);
    await runner.query('grant usage on schema segmentation to public');
    await runner.query('grant select on segmentation.members to public');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop schema segmentation cascade');
  }
}
