import type { SendReason } from '@tributary/domain/delivery/decide-send';
import type { Pool } from '@tributary/postgres/pool';
import type { SentMessage } from './outbox.postgres.js';

export interface SentMessagesQuery {
  readonly workspace: string;
  /** A surviving profile; decisions about profiles that were merged into it are among its. */
  readonly profileId: string | null;
  readonly automation: string | null;
  readonly limit: number;
  /** The last one of the page before. */
  readonly before: { readonly atMs: number; readonly id: string } | null;
}

interface Row {
  readonly id: string;
  readonly profileId: string;
  readonly automation: string;
  readonly template: string;
  readonly decision: 'sent' | 'not_sent';
  readonly reason: SendReason;
  readonly atMs: number;
  readonly changeSequence: number;
}

/** What a tracked link needs of the send it was in. */
export interface SendRecord {
  readonly id: string;
  readonly workspace: string;
  readonly automation: string;
  readonly template: string;
  readonly purpose: string;
  readonly profileId: string;
  readonly addressHash: Buffer | null;
  /** When the mail server took it, epoch ms; null while that is not recorded. */
  readonly sentMs: number | null;
}

/** Decisions that were made, for reading. */
export class SentMessages {
  constructor(private readonly pool: Pool) {}

  /** Newest first. */
  async list({ workspace, profileId, automation, limit, before }: SentMessagesQuery): Promise<{ messages: SentMessage[]; last: { atMs: number; id: string } | null }> {
    const { rows } = await this.pool.query<Row>(
      `select id, profile_id as "profileId", automation, template, decision, reason, decided_ms as "atMs", change_sequence as "changeSequence"
        from delivery.sends
        where workspace = $1 and state = 'decided'
          and ($2::uuid is null or profile_id = any(array(select v.profile_id from ingestion.profile_survivors v where v.workspace = $1 and v.survivor_id = $2)))
          and ($3::text is null or automation = $3)
          and ($4::bigint is null or (decided_ms, id) < ($4, $5::uuid))
        order by decided_ms desc, id desc limit $6`,
      [workspace, profileId, automation, before?.atMs ?? null, before?.id ?? null, limit],
    );
    const last = rows.at(-1);
    return { messages: rows.map(toMessage), last: last === undefined || rows.length < limit ? null : { atMs: last.atMs, id: last.id } };
  }

  /** A mail that left, or may have; null for any other id. */
  async find(id: string): Promise<SendRecord | null> {
    const { rows } = await this.pool.query<SendRecord>({
      name: 'find-send',
      text: `select id, workspace, automation, template, purpose, coalesce(recipient_id, profile_id) as "profileId", address_hash as "addressHash",
          case decision when 'sent' then decided_ms end as "sentMs"
        from delivery.sends where id = $1`,
      values: [id],
    });
    return rows[0] ?? null;
  }

  /** Whether the person of this send has unsubscribed from its purpose, as far as sends are concerned. */
  async isUnsubscribed(id: string): Promise<boolean> {
    const { rows } = await this.pool.query<{ is: boolean }>(
      `select exists (select from delivery.sends s join delivery.suppressions u
          on u.workspace = s.workspace and u.purpose = s.purpose and u.reason = 'unsubscribed'
            and (u.address_hash = s.address_hash or u.profile_id in (s.profile_id, s.recipient_id))
        where s.id = $1) as "is"`,
      [id],
    );
    return rows[0]?.is === true;
  }
}

function toMessage({ atMs, changeSequence, ...row }: Row): SentMessage {
  return { ...row, at: new Date(atMs).toISOString(), changeSequence: changeSequence === 0 ? null : changeSequence };
}
