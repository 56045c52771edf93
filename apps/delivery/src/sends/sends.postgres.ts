import type { SendReason } from '@tributary/domain/delivery/decide-send';
import type { Pool } from '@tributary/postgres/pool';
import { joinWrites, type Write } from '@tributary/postgres/write';
import type { ClaimedChange } from './claim.js';
import type { Outbox, OutboxEntry, SentMessage } from './outbox.postgres.js';

/** A send that this process has in hand. */
export interface Send {
  readonly id: string;
  readonly workspace: string;
  readonly automation: string;
  readonly template: string;
  readonly purpose: string;
  readonly profileId: string;
  /** 0 for a member from before the automation. */
  readonly changeSequence: number;
  readonly change: ClaimedChange;
  readonly attempts: number;
  readonly claimedMs: number;
  /** False once the automation was deleted: then nothing more is sent for it. */
  readonly isAutomationAlive: boolean;
}

export interface DecidedSend {
  readonly send: Send;
  readonly reason: SendReason;
  readonly atMs: number;
  /** What else follows from it: events for the inlet. */
  readonly events?: readonly OutboxEntry[];
  /** Committed with it, e.g. a suppression. */
  readonly writes?: readonly Write[];
}

const SEND_COLUMNS = `s.id, s.workspace, s.automation, s.template, s.purpose, s.profile_id as "profileId",
  s.change_sequence as "changeSequence", s.change, s.attempts, s.claimed_ms as "claimedMs"`;

const UNIQUE_VIOLATION = '23505';

/**
 * The life of a send: claimed → preparing → attempting → decided. Each step is committed before the next begins, and
 * each names the process that takes it, so that a process which was given up for dead changes nothing afterwards.
 */
export class Sends {
  constructor(
    private readonly pool: Pool,
    private readonly outbox: Outbox,
  ) {}

  /** Takes due claims into hand. Nothing has left yet. */
  async take(owner: number, limit: number, nowMs: number): Promise<Send[]> {
    const { rows } = await this.pool.query<Send>({
      name: 'take-sends',
      text: `update delivery.sends s set state = 'preparing', owner = $1
        from (select id from delivery.sends where state = 'claimed' and next_attempt_ms <= $3
          order by next_attempt_ms limit $2 for update skip locked) due
        where s.id = due.id
        returning ${SEND_COLUMNS}, exists (select from delivery.automations a where a.id = s.automation_id) as "isAutomationAlive"`,
      values: [owner, limit, nowMs],
    });
    return rows.sort((left, right) => left.claimedMs - right.claimedMs || left.changeSequence - right.changeSequence);
  }

  /** When the next claim is due, epoch ms. */
  async nextDueMs(): Promise<number | null> {
    const { rows } = await this.pool.query<{ due: number | null }>({
      name: 'next-due-send',
      text: `select min(next_attempt_ms) as due from delivery.sends where state = 'claimed'`,
    });
    return rows[0]?.due ?? null;
  }

  /**
   * Commits that the mail may be on its way from now on: if this process dies, the send is never tried again.
   * @returns 'duplicate' when an automation with `once` has sent to this person before; 'lost' when another process has it
   */
  async markAttempting(send: Send, owner: number, recipientId: string, addressHash: Buffer): Promise<'marked' | 'duplicate' | 'lost'> {
    try {
      const { rowCount } = await this.pool.query({
        name: 'mark-attempting',
        text: `update delivery.sends set state = 'attempting', attempts = attempts + 1, recipient_id = $3, address_hash = $4
          where id = $1 and owner = $2 and state = 'preparing'`,
        values: [send.id, owner, recipientId, addressHash],
      });
      return rowCount === 1 ? 'marked' : 'lost';
    } catch (error) {
      if ((error as { code?: string }).code === UNIQUE_VIOLATION) return 'duplicate';
      throw error;
    }
  }

  /** Puts sends back: nothing was accepted, and they may be tried again. */
  async release(owner: number, ids: readonly string[], nextAttemptMs: number): Promise<void> {
    await this.pool.query({
      name: 'release-sends',
      text: `update delivery.sends set state = 'claimed', owner = null, next_attempt_ms = $3
        where id = any($2::uuid[]) and owner = $1 and state in ('preparing', 'attempting')`,
      values: [owner, ids, nextAttemptMs],
    });
  }

  /** Decides sends in hand, and commits with each what tells the world of it. */
  async decide(owner: number, decided: readonly DecidedSend[]): Promise<void> {
    if (decided.length === 0) return;
    const writes = decided.flatMap(({ writes: more }) => more ?? []);
    const statement = joinWrites([updateDecided(owner, decided), this.#tellDecided(decided), ...writes]);
    await this.pool.query(statement.text, statement.values);
  }

  /** Only what was decided now is told: `w0` is what the update before returns. */
  #tellDecided(decided: readonly DecidedSend[]): Write {
    const entries = decided.flatMap(({ send, reason, atMs, events }) => [
      { id: send.id, entry: decisionEntry(send, reason, atMs) },
      ...(events ?? []).map((entry) => ({ id: send.id, entry })),
    ]);
    const told = this.outbox.add(entries.map(({ entry }) => entry));
    return {
      text: `insert into delivery.outbox (kind, workspace, profile_id, value, traceparent)
        select t.kind, t.workspace, t.profile_id, t.value, t.traceparent
        from unnest($1::text[], $2::text[], $3::uuid[], $4::jsonb[], $5::text[], $6::uuid[]) as t(kind, workspace, profile_id, value, traceparent, send_id)
        join w0 on w0.id = t.send_id`,
      values: [...told.values, entries.map(({ id }) => id)],
    };
  }

  /**
   * Takes over from a process that has died, or from an own batch that has failed: what has not left is claimed anew;
   * what may have left has an unknown outcome, is never sent again, and is told so.
   */
  async recover(owner: number, nowMs: number, mayHaveLeft: (send: { id: string; state: 'preparing' | 'attempting' }) => boolean): Promise<{ released: number; unknown: number }> {
    const { rows } = await this.pool.query<Send & { state: 'preparing' | 'attempting' }>(
      `select ${SEND_COLUMNS}, s.state, true as "isAutomationAlive" from delivery.sends s where owner = $1 and state in ('preparing', 'attempting')`,
      [owner],
    );
    const unknown = rows.filter(mayHaveLeft);
    const released = rows.filter((send) => !unknown.includes(send));
    if (released.length > 0) await this.release(owner, released.map(({ id }) => id), nowMs);
    await this.decide(owner, unknown.map((send) => ({ send, reason: 'outcome_unknown', atMs: nowMs })));
    return { released: released.length, unknown: unknown.length };
  }

  /** Processes, beside this one, that have sends in hand. */
  async otherOwners(owner: number): Promise<number[]> {
    const { rows } = await this.pool.query<{ owner: number }>({
      name: 'other-owners',
      text: `select distinct owner from delivery.sends where state in ('preparing', 'attempting') and owner <> $1`,
      values: [owner],
    });
    return rows.map((row) => row.owner);
  }
}

/** Decides what is still this process's. */
function updateDecided(owner: number, decided: readonly DecidedSend[]): Write {
  return {
    text: `update delivery.sends s set state = 'decided', owner = null, reason = d.reason, decided_ms = d.at_ms,
        decision = case d.reason when 'sent' then 'sent' else 'not_sent' end
      from unnest($1::uuid[], $2::text[], $3::bigint[]) as d(id, reason, at_ms)
      where s.id = d.id and s.owner = $4 and s.state in ('preparing', 'attempting')
      returning s.id`,
    values: [decided.map(({ send }) => send.id), decided.map(({ reason }) => reason), decided.map(({ atMs }) => atMs), owner],
  };
}

function decisionEntry(send: Send, reason: SendReason, atMs: number): OutboxEntry {
  const value: SentMessage = {
    id: send.id,
    profileId: send.profileId,
    automation: send.automation,
    template: send.template,
    decision: reason === 'sent' ? 'sent' : 'not_sent',
    reason,
    at: new Date(atMs).toISOString(),
    changeSequence: send.changeSequence === 0 ? null : send.changeSequence,
  };
  return { kind: 'decision', workspace: send.workspace, profileId: send.profileId, value, ...(send.change.traceparent === undefined ? {} : { traceparent: send.change.traceparent }) };
}
