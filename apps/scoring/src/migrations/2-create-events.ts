import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The event history, by month of event time. One index only, the primary key: it makes a repeated insert harmless and
 * serves a profile's events newest first. It holds no text, because comparing texts made up a fifth of what an insert
 * costs: profile ids differ between workspaces, and of the message id its 64-bit hash tells events of one profile and
 * millisecond apart. Months beyond the range, mostly imports of old events, are in the default partition.
 */
export class CreateEvents1700000000002 implements MigrationInterface {
  name = 'CreateEvents1700000000002';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table scoring.events (
        ts_ms bigint not null,
        appended_ms bigint not null,
        sequence bigint not null,
        message_hash bigint not null,
        shard smallint not null,
        profile_id uuid not null,
        original_profile_id uuid,
        workspace text collate "C" not null,
        message_id text collate "C" not null,
        type text collate "C" not null,
        name text collate "C" not null,
        body jsonb not null,
        primary key (profile_id, ts_ms, message_hash)
      ) partition by range (ts_ms);

      create table scoring.events_default partition of scoring.events default;

      -- Makes the partitions of all months from the one of "first" to the one of "last". Returns how many are new.
      create function scoring.make_months(first timestamptz, last timestamptz) returns integer language plpgsql as $$
      declare
        month timestamp := date_trunc('month', first at time zone 'UTC');
        made integer := 0;
      begin
        while month <= last at time zone 'UTC' loop
          if to_regclass(format('scoring.events_%s', to_char(month, 'YYYY_MM'))) is null then
            execute format('create table scoring.events_%s partition of scoring.events for values from (%s) to (%s)', to_char(month, 'YYYY_MM'),
              (extract(epoch from month) * 1000)::bigint, (extract(epoch from month + interval '1 month') * 1000)::bigint);
            made := made + 1;
          end if;
          month := month + interval '1 month';
        end loop;
        return made;
      end $$;

      select scoring.make_months(now() - interval '12 months', now() + interval '2 months');

      create view scoring.history as
        select workspace, profile_id, shard, message_id, type, name, ts_ms, appended_ms, sequence, body, original_profile_id
        from scoring.events;

      grant select on scoring.history to public;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop view scoring.history; drop table scoring.events; drop function scoring.make_months');
  }
}
