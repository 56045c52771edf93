import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What every keyed stage keeps beside its own state: progress with the fence, the outbox, and timers. */
export class CreateStream1 implements MigrationInterface {
  name = 'CreateStream1700000000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table stream.progress (
        stage text not null,
        partition int not null,
        epoch bigint not null default 0,
        owner text not null default '',
        next_offset bigint,
        positions jsonb not null default '[]',
        out_offset bigint not null default 0,
        watermark_ms bigint,
        primary key (stage, partition)
      ) with (fillfactor = 20)`);
    await runner.query(`
      create table stream.outbox (
        id bigint generated always as identity primary key,
        stage text not null,
        partitions int[] not null,
        payload bytea not null
      )`);
    // Payloads come and go with every batch; compressing them costs more than it saves.
    await runner.query('alter table stream.outbox alter column payload set storage external');
    await runner.query(`
      create table stream.timers (
        stage text not null,
        shard smallint not null,
        workspace text not null,
        profile_id uuid not null,
        due_ms bigint not null,
        primary key (stage, workspace, profile_id)
      ) with (fillfactor = 80)`);
    await runner.query('create index timers_due on stream.timers (stage, due_ms, profile_id)');
    await runner.query(`
      create function stream.fence(advanced bigint, expected bigint) returns void language plpgsql as $$
      begin
        if advanced <> expected then
          raise exception 'fenced: % of % partitions are still ours at the expected offset', advanced, expected
            using errcode = 'TB001';
        end if;
      end $$`);
    await runner.query('grant usage on schema stream to public');
    await runner.query('grant select, insert, update, delete on all tables in schema stream to public');
    await runner.query('grant usage on all sequences in schema stream to public');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop function stream.fence; drop table stream.timers, stream.outbox, stream.progress');
  }
}
