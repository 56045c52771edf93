import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Workspaces, sources and keys; profiles and what points at them; what has been seen. */
export class CreateIngestion1 implements MigrationInterface {
  name = 'CreateIngestion1700000000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(SOURCES);
    await runner.query(IDENTITY);
    await runner.query(SEEN);
    await runner.query(GUARDS);
    await runner.query(LOOK_UP);
    await runner.query(VIEWS);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop view ingestion.keys, ingestion.workspaces_public, ingestion.profile_identifiers, ingestion.profile_survivors;
      drop function ingestion.look_up, ingestion.raced, ingestion.next_version, ingestion.seen_now, ingestion.keep_seen;
      drop table ingestion.identity_conflicts, ingestion.merges, ingestion.identifiers, ingestion.profiles, ingestion.seen,
        ingestion.seen_periods, ingestion.key_hashes, ingestion.sources, ingestion.workspaces`);
  }
}

const SOURCES = `
  create table ingestion.workspaces (
    workspace text primary key,
    name text not null,
    timezone text not null,
    id_secret bytea not null,
    created_ms bigint not null
  );
  create table ingestion.sources (
    workspace text not null references ingestion.workspaces,
    key text not null,
    kind text not null,
    trusted boolean not null,
    sealed_secret bytea,
    created_ms bigint not null,
    primary key (workspace, key)
  );
  create table ingestion.key_hashes (
    key_hash bytea primary key,
    kind text not null check (kind in ('write', 'admin')),
    workspace text not null references ingestion.workspaces,
    source text,
    created_ms bigint not null,
    foreign key (workspace, source) references ingestion.sources (workspace, key)
  )`;

// A profile's survivor is itself or the root of its merges, never a loser. Identifiers keep the profile that they were
// given to; who they mean now is that profile's survivor.
const IDENTITY = `
  create table ingestion.profiles (
    profile_id uuid primary key,
    workspace text not null,
    survivor_id uuid not null,
    known boolean not null,
    version int not null default 0,
    created_ms bigint not null
  ) with (fillfactor = 80);
  create index profiles_survivor on ingestion.profiles (survivor_id);
  create table ingestion.identifiers (
    workspace text not null,
    type text not null,
    value text not null,
    profile_id uuid not null,
    primary key (workspace, type, value)
  );
  create index identifiers_profile on ingestion.identifiers (profile_id);
  create table ingestion.merges (
    loser uuid primary key,
    survivor uuid not null,
    workspace text not null,
    appended_ms bigint not null
  );
  create table ingestion.identity_conflicts (
    workspace text not null,
    type text not null,
    value text not null,
    claimant uuid not null,
    owner uuid not null,
    appended_ms bigint not null,
    primary key (workspace, type, value, claimant)
  )`;

// Hashes of message ids and facts, in periods that are dropped whole. A row written within a minute of the boundary of two
// periods goes into both, so that two copies written at the same time always meet in one unique index: no transaction lasts
// longer than a minute.
const SEEN = `
  create table ingestion.seen_periods (
    period int generated always as identity primary key,
    starts_at timestamptz not null,
    ends_at timestamptz not null
  );
  create table ingestion.seen (hash uuid not null, period int not null, primary key (hash, period)) partition by list (period);
  create function ingestion.seen_now() returns setof int language plpgsql stable as $$
    begin
      return query select p.period from ingestion.seen_periods p
        where now() >= p.starts_at - interval '1 minute' and now() < p.ends_at + interval '1 minute';
      if not found then
        raise exception 'no period of ingestion.seen covers this moment; the ingestion service makes them hourly';
      end if;
    end $$;
  create function ingestion.keep_seen(days int) returns void language plpgsql as $$
    declare
      width interval := make_interval(days => greatest(1, ceil(days / 3.0)::int));
      last timestamptz;
      made int;
    begin
      perform pg_advisory_xact_lock(hashtext('ingestion.keep_seen'));
      loop
        select max(ends_at) into last from ingestion.seen_periods;
        exit when last > now() + width;
        last := case when last is null or last < now() then now() - interval '1 minute' else last end;
        insert into ingestion.seen_periods (starts_at, ends_at) values (last, last + width) returning period into made;
        execute format('create table ingestion.seen_%s partition of ingestion.seen for values in (%s)', made, made);
      end loop;
      for made in delete from ingestion.seen_periods where ends_at < now() - make_interval(days => days) returning period loop
        execute format('drop table ingestion.seen_%s', made);
      end loop;
    end $$;
  select ingestion.keep_seen(30)`;

// Serialization failures (40001): the world moved between reading and writing, and the batch is to be tried again.
const GUARDS = `
  create function ingestion.raced(what text) returns text language plpgsql as $$
    begin
      raise exception '% was written by another instance meanwhile', what using errcode = '40001';
    end $$;
  create function ingestion.next_version(stored int, expected int) returns int language plpgsql as $$
    begin
      if stored <> expected then
        raise exception 'a profile was changed by another instance meanwhile' using errcode = '40001';
      end if;
      return stored + 1;
    end $$`;

// One round trip for all that a batch must know. The settings pin index lookups: a plan that was made while the tables were
// small would scan them when they have grown.
const LOOK_UP = `
  create function ingestion.look_up(hashes uuid[], workspaces text[], types text[], vals text[], ids uuid[])
  returns table (part int, hash uuid, n int, workspace text, profile_id uuid, known boolean, created_ms bigint, version int)
  language plpgsql stable
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan
  as $$
    begin
      return query
        select 0, s.hash, 0, null::text, null::uuid, null::boolean, null::bigint, null::int
          from ingestion.seen s where s.hash = any(hashes)
        union all
        select 1, null::uuid, asked.n::int, root.workspace, root.profile_id, root.known, root.created_ms, root.version
          from unnest(workspaces, types, vals) with ordinality as asked (workspace, type, value, n)
          join ingestion.identifiers i on i.workspace = asked.workspace and i.type = asked.type and i.value = asked.value
          join ingestion.profiles p on p.profile_id = i.profile_id
          join ingestion.profiles root on root.profile_id = p.survivor_id
        union all
        select 2, null::uuid, asked.n::int, root.workspace, root.profile_id, root.known, root.created_ms, root.version
          from unnest(ids) with ordinality as asked (id, n)
          join ingestion.profiles p on p.profile_id = asked.id
          join ingestion.profiles root on root.profile_id = p.survivor_id;
    end $$`;

const VIEWS = `
  create view ingestion.keys as
    select k.key_hash, k.kind, k.workspace, k.source, coalesce(s.trusted, true) as trusted
    from ingestion.key_hashes k left join ingestion.sources s on s.workspace = k.workspace and s.key = k.source;
  create view ingestion.workspaces_public as select workspace, name, timezone from ingestion.workspaces;
  create view ingestion.profile_identifiers as
    select i.workspace, i.type, i.value, p.survivor_id as profile_id
    from ingestion.identifiers i join ingestion.profiles p on p.profile_id = i.profile_id;
  create view ingestion.profile_survivors as select workspace, profile_id, survivor_id from ingestion.profiles;
  grant usage on schema ingestion to public;
  grant select on ingestion.keys, ingestion.workspaces_public, ingestion.profile_identifiers, ingestion.profile_survivors to public`;
