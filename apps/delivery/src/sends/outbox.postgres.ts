import type { SendReason } from '@tributary/domain/delivery/decide-send';
import type { Pool } from '@tributary/postgres/pool';
import type { Write } from '@tributary/postgres/write';

/** The value of a `messages.sent` record, and an element of `GET /v1/sends`. */
export interface SentMessage {
  readonly id: string;
  readonly profileId: string;
  readonly automation: string;
  readonly template: string;
  readonly decision: 'sent' | 'not_sent';
  readonly reason: SendReason;
  /** ISO 8601. */
  readonly at: string;
  /** Of the change that occasioned it; null for a member from before the automation. */
  readonly changeSequence: number | null;
}

/** A Segment-spec event on its way back to the inlet. */
export interface EngagementEvent {
  readonly type: 'track';
  readonly event: string;
  readonly messageId: string;
  readonly timestamp: string;
  readonly properties: { readonly [name: string]: unknown };
}

export type OutboxRow = { readonly id: number; readonly workspace: string; readonly profileId: string } & (
  | { readonly kind: 'decision'; readonly value: SentMessage; /** W3C trace context of the change. */ readonly traceparent?: string | null }
  | { readonly kind: 'event'; readonly value: EngagementEvent }
);

export type OutboxEntry = OutboxRow extends infer Row ? (Row extends { id: number } ? Omit<Row, 'id'> : never) : never;

/** What must be published, committed together with what it tells of. */
export class Outbox {
  constructor(private readonly pool: Pool) {}

  add(entries: readonly OutboxEntry[]): Write {
    return {
      text: `insert into delivery.outbox (kind, workspace, profile_id, value, traceparent)
        select * from unnest($1::text[], $2::text[], $3::uuid[], $4::jsonb[], $5::text[])`,
      values: [
        entries.map((entry) => entry.kind),
        entries.map((entry) => entry.workspace),
        entries.map((entry) => entry.profileId),
        entries.map((entry) => JSON.stringify(entry.value)),
        entries.map((entry) => (entry.kind === 'decision' ? (entry.traceparent ?? null) : null)),
      ],
    };
  }

  /**
   * Hands the oldest entries to `publish` and forgets them once it has resolved; when it rejects they stay. Two
   * processes never hold the same entries.
   * @returns how many there were
   */
  async drain(limit: number, publish: (rows: readonly OutboxRow[]) => Promise<void>): Promise<number> {
    const client = await this.pool.connect();
    try {
      await client.query('begin');
      const { rows } = await client.query<OutboxRow>({
        name: 'take-outbox',
        text: `delete from delivery.outbox where id in (select id from delivery.outbox order by id limit $1 for update skip locked)
          returning id, kind, workspace, profile_id as "profileId", value, traceparent`,
        values: [limit],
      });
      if (rows.length > 0) await publish(rows.sort((left, right) => left.id - right.id));
      await client.query('commit');
      client.release();
      return rows.length;
    } catch (error) {
      // The connection may be in any state: it is closed, and with it the transaction.
      client.release(true);
      throw error;
    }
  }
}
