import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The ledger, what follows from it, and what other services may read. Needs the view `ingestion.workspaces_public`: every
 * workspace has the default purposes from its first moment.
 */
export class CreateLedger1 implements MigrationInterface {
  name = 'CreateLedger1700000000001';

  async up(runner: QueryRunner): Promise<void> {
    await createLedger(runner);
    await createProjection(runner);
    await createPurposes(runner);
    await createAnnouncements(runner);
    await createViews(runner);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop view consent.purposes_public, consent.current_decisions');
    await runner.query('drop function consent.standing');
    await runner.query('drop table consent.announcements, consent.purposes, consent.merges, consent.decisions, consent.ledger');
    await runner.query('drop function consent.project, consent.refuse_change');
  }
}

async function createLedger(runner: QueryRunner): Promise<void> {
  await runner.query(`
    create table consent.ledger (
      workspace text not null,
      id uuid not null,
      sequence bigint generated always as identity,
      profile_id uuid not null,
      purpose text not null,
      decision text not null check (decision in ('granted', 'withdrawn')),
      occurred_ms bigint not null,
      recorded_ms bigint not null default (extract(epoch from clock_timestamp()) * 1000)::bigint,
      source text,
      text_version text,
      jurisdiction text,
      proof jsonb,
      message_id text not null,
      previous uuid,
      primary key (workspace, id)
    )`);
  await runner.query(`comment on table consent.ledger is 'Every decision ever made, as it was made. Append-only'`);
  await runner.query('create index ledger_by_profile on consent.ledger (profile_id, workspace, sequence)');
  await runner.query(`
    create function consent.refuse_change() returns trigger language plpgsql as $$
    begin
      raise exception 'the consent ledger is append-only' using errcode = 'insufficient_privilege';
    end $$`);
  await runner.query('create trigger append_only before update or delete or truncate on consent.ledger for each statement execute function consent.refuse_change()');
}

/** The latest decision of each profile and purpose, kept by a trigger so that it can never differ from the ledger. */
async function createProjection(runner: QueryRunner): Promise<void> {
  await runner.query(`
    create table consent.decisions (
      workspace text not null,
      profile_id uuid not null,
      purpose text not null,
      decision text not null,
      at_ms bigint not null,
      receipt uuid not null,
      primary key (profile_id, workspace, purpose)
    )`);
  // 'withdrawn' sorts after 'granted': at one millisecond the more restrictive stands.
  await runner.query(`
    create function consent.project() returns trigger language plpgsql as $$
    begin
      insert into consent.decisions as d (workspace, profile_id, purpose, decision, at_ms, receipt)
      select distinct on (profile_id, workspace, purpose) workspace, profile_id, purpose, decision, occurred_ms, id
      from recorded
      order by profile_id, workspace, purpose, occurred_ms desc, decision desc
      on conflict (profile_id, workspace, purpose) do update
        set decision = excluded.decision, at_ms = excluded.at_ms, receipt = excluded.receipt
        where (excluded.at_ms, excluded.decision) > (d.at_ms, d.decision);
      return null;
    end $$`);
  await runner.query('create trigger project after insert on consent.ledger referencing new table as recorded for each statement execute function consent.project()');
  await runner.query(`
    create table consent.merges (
      workspace text not null,
      loser uuid not null,
      survivor uuid not null,
      merged_ms bigint not null,
      primary key (loser, workspace)
    )`);
  await runner.query('create index merges_by_survivor on consent.merges (survivor, workspace)');
}

async function createPurposes(runner: QueryRunner): Promise<void> {
  await runner.query(`
    create table consent.purposes (
      workspace text not null,
      purpose text not null,
      policy text not null check (policy in ('opt-in', 'opt-out')),
      changed_at timestamptz not null default now(),
      primary key (workspace, purpose)
    )`);
  await runner.query(`comment on table consent.purposes is 'What a workspace has defined itself or changed; the defaults stand in the view purposes_public'`);
}

/** Decisions taken over HTTP or gRPC of which the stream has not heard. Without a profile, the stream is to say whose it is. */
async function createAnnouncements(runner: QueryRunner): Promise<void> {
  await runner.query(`
    create table consent.announcements (
      workspace text not null,
      receipt uuid not null,
      profile_id uuid,
      identifier_type text,
      identifier_value text,
      purpose text not null,
      decision text not null,
      occurred_ms bigint not null,
      source text,
      text_version text,
      jurisdiction text,
      proof jsonb,
      created_at timestamptz not null default now(),
      primary key (workspace, receipt),
      check ((profile_id is null) = (identifier_type is not null and identifier_value is not null))
    )`);
}

/** A merge edge in both directions. */
const NEIGHBOURS = (profile: string): string => `
  select m.survivor as other, m.merged_ms from consent.merges m where m.loser = ${profile} and m.workspace = of_workspace
  union all
  select m.loser, m.merged_ms from consent.merges m where m.survivor = ${profile} and m.workspace = of_workspace`;

async function createViews(runner: QueryRunner): Promise<void> {
  // The same answer as uniteDecisions in the domain, which explains it; a test holds the two together.
  await runner.query(`
    create function consent.standing(of_workspace text, of_profile uuid)
    returns table (purpose text, decision text, at_ms bigint)
    language sql stable security definer set search_path = pg_catalog as $$
      with recursive
      person (profile_id) as (
        select of_profile
        union
        select e.other from person p cross join lateral (${NEIGHBOURS('p.profile_id')}) e
      ),
      latest as (
        select d.profile_id, d.purpose, d.decision, d.at_ms
        from person p join consent.decisions d on d.profile_id = p.profile_id and d.workspace = of_workspace
      ),
      walk (origin, profile_id, since_ms) as (
        select distinct l.profile_id, l.profile_id, (-9223372036854775808)::bigint from latest l where l.decision = 'withdrawn'
        union
        select w.origin, e.other, greatest(w.since_ms, e.merged_ms) from walk w cross join lateral (${NEIGHBOURS('w.profile_id')}) e
      ),
      joined as (
        select w.origin, w.profile_id, min(w.since_ms) as since_ms from walk w group by w.origin, w.profile_id
      ),
      withdrawals as (
        select w.purpose, w.decision, w.at_ms from latest w
        where w.decision = 'withdrawn' and not exists (
          select from joined j join latest g on g.profile_id = j.profile_id
          where j.origin = w.profile_id and g.purpose = w.purpose and g.decision = 'granted' and g.at_ms > greatest(w.at_ms, j.since_ms))
      )
      select distinct on (s.purpose) s.purpose, s.decision, s.at_ms
      from (select 0 as rank, w.* from withdrawals w union all select 1, l.purpose, l.decision, l.at_ms from latest l) s
      order by s.purpose, s.rank, s.at_ms desc
    $$`);
  await runner.query(`
    create view consent.current_decisions as
    select p.workspace, p.profile_id, s.purpose, s.decision, s.at_ms
    from (
      select workspace, profile_id from consent.decisions
      union select workspace, loser from consent.merges
      union select workspace, survivor from consent.merges
    ) p cross join lateral consent.standing(p.workspace, p.profile_id) s`);
  await runner.query(`
    create view consent.purposes_public as
    select workspace, purpose, policy from consent.purposes
    union all
    select w.workspace, d.purpose, d.policy
    from ingestion.workspaces_public w
    cross join (values ('behavioural_tracking', 'opt-out'), ('profiling', 'opt-out'), ('email_marketing', 'opt-in'), ('data_sharing', 'opt-in')) as d (purpose, policy)
    where not exists (select from consent.purposes p where p.workspace = w.workspace and p.purpose = d.purpose)`);
  await runner.query('grant usage on schema consent to public');
  await runner.query('grant select on consent.current_decisions, consent.purposes_public to public');
}
