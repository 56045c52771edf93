import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Templates, automations, the sends that follow, who must not be written to, and what waits to be published. */
export class CreateDelivery1700000000001 implements MigrationInterface {
  name = 'CreateDelivery1700000000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table delivery.templates (
        workspace text not null,
        key text not null,
        version integer not null,
        name text not null,
        format text not null check (format in ('mjml', 'html')),
        language text not null check (language in ('liquid', 'handlebars')),
        subject text not null,
        preheader text,
        body text not null,
        text text,
        required jsonb not null,
        compiled text not null,
        warnings jsonb not null,
        created_ms bigint not null,
        updated_ms bigint not null,
        primary key (workspace, key)
      )`);
    await runner.query(`
      create table delivery.automations (
        id uuid primary key,
        workspace text not null,
        key text not null,
        segment text not null,
        trigger text not null check (trigger in ('entered', 'left')),
        template text not null,
        purpose text not null,
        once boolean not null,
        include_existing boolean not null,
        acts_since_ms bigint not null,
        created_ms bigint not null,
        updated_ms bigint not null,
        unique (workspace, key),
        foreign key (workspace, template) references delivery.templates (workspace, key)
      )`);
    await runner.query('create index on delivery.automations (workspace, template)');
    await runner.query('create index on delivery.automations (workspace, segment)');
    // The stage asks once a batch whether what it has cached is still so.
    await runner.query('create table delivery.automation_versions (workspace text primary key, version bigint not null)');
    await this.#createSends(runner);
    await this.#createSuppressions(runner);
    await runner.query(`
      create table delivery.outbox (
        id bigint generated always as identity primary key,
        kind text not null check (kind in ('decision', 'event')),
        workspace text not null,
        profile_id uuid not null,
        value jsonb not null
      )`);
    // Which segments must not be deleted, for segmentation.
    await runner.query('create view delivery.segments_used as select workspace, segment, key as automation from delivery.automations');
    await runner.query('grant usage on schema delivery to public');
    await runner.query('grant select on delivery.segments_used to public');
  }

  /**
   * One row for each occasion to send. claimed → preparing (nothing has left) → attempting (it may have left) → decided.
   */
  async #createSends(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table delivery.sends (
        id uuid primary key default gen_random_uuid(),
        workspace text not null,
        automation_id uuid not null,
        automation text not null,
        template text not null,
        purpose text not null,
        once boolean not null,
        profile_id uuid not null,
        change_sequence bigint not null,
        effective_ms bigint not null,
        change jsonb not null,
        state text not null default 'claimed' check (state in ('claimed', 'preparing', 'attempting', 'decided')),
        owner integer,
        attempts integer not null default 0,
        next_attempt_ms bigint not null,
        claimed_ms bigint not null,
        recipient_id uuid,
        address_hash bytea,
        decision text check (decision in ('sent', 'not_sent')),
        reason text,
        decided_ms bigint,
        unique (automation_id, profile_id, change_sequence)
      )`);
    await runner.query(`create index sends_due on delivery.sends (next_attempt_ms) where state = 'claimed'`);
    await runner.query(`create index sends_in_hand on delivery.sends (owner) where state in ('preparing', 'attempting')`);
    // An automation with "once" sends to a person once, whatever runs at the same time. A send that came to nothing
    // leaves room for the next; one whose outcome is unknown does not.
    await runner.query(`
      create unique index sends_once on delivery.sends (automation_id, recipient_id)
      where once and (state = 'attempting' or decision = 'sent' or reason = 'outcome_unknown')`);
    await runner.query(`create index sends_by_time on delivery.sends (workspace, decided_ms desc, id desc) where state = 'decided'`);
    await runner.query(`create index sends_by_profile on delivery.sends (workspace, profile_id, decided_ms desc, id desc) where state = 'decided'`);
    await runner.query(`create index sends_by_automation on delivery.sends (workspace, automation, decided_ms desc, id desc) where state = 'decided'`);
  }

  /** Addresses as salted hashes, so that the list outlives the erasure of a person without naming anybody. */
  async #createSuppressions(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table delivery.suppressions (
        workspace text not null,
        address_hash bytea not null,
        purpose text not null,
        reason text not null check (reason in ('unsubscribed', 'hard_bounce', 'complaint')),
        profile_id uuid not null,
        send_id uuid,
        at_ms bigint not null,
        primary key (workspace, address_hash, purpose, reason)
      )`);
    await runner.query('create index on delivery.suppressions (workspace, profile_id)');
    await runner.query('create table delivery.installation (salt text not null)');
    await runner.query('insert into delivery.installation values (gen_random_uuid()::text || gen_random_uuid()::text)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop view delivery.segments_used');
    for (const table of ['installation', 'suppressions', 'outbox', 'sends', 'automation_versions', 'automations', 'templates']) {
      await runner.query(`drop table delivery.${table}`);
    }
  }
}
