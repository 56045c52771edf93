import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What was found wrong, counted, and which events were set aside. */
export class CreateQuality1 implements MigrationInterface {
  name = 'CreateQuality1700000000001';

  async up(runner: QueryRunner): Promise<void> {
    // Appended to by every batch that found something, and folded together later: batches never wait for each other's rows.
    await runner.query(`
      create table cleansing.quality_counts (
        workspace text not null,
        day date not null,
        reason text not null,
        count bigint not null
      )`);
    await runner.query('create index quality_counts_by_day on cleansing.quality_counts (workspace, day)');
    await runner.query(`
      create table cleansing.quarantine (
        workspace text not null,
        message_id text not null,
        sequence bigint generated always as identity,
        profile_id uuid not null,
        type text not null,
        name text not null,
        reason text not null,
        pointer text not null,
        timestamp_ms bigint not null,
        appended_ms bigint not null,
        quarantined_at timestamptz not null default now(),
        primary key (workspace, message_id)
      )`);
    await runner.query(`comment on table cleansing.quarantine is 'Index of the topic cleansing.parked, which holds the events themselves'`);
    await runner.query('create index quarantine_by_sequence on cleansing.quarantine (workspace, sequence)');
    await runner.query('create index quarantine_by_age on cleansing.quarantine (quarantined_at)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table cleansing.quarantine, cleansing.quality_counts');
  }
}
