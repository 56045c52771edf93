import type { ConsentDecision, SendFacts, Suppression } from '@tributary/domain/delivery/decide-send';
import type { Pool } from '@tributary/postgres/pool';

/** For whom the gate is asked. */
export interface GateQuestion {
  readonly workspace: string;
  readonly purpose: string;
  /** The profile of the change, and its survivor where it was merged since. */
  readonly profileId: string;
  readonly recipientId: string;
  /** Null where there is no address. */
  readonly addressHash: Buffer | null;
}

export type GateFacts = Pick<SendFacts, 'policy' | 'decisions' | 'suppressions'>;

/**
 * What stands against a mail now: the one place where delivery asks for consent, straight from the ledger's view, so
 * that a withdrawal counts from its commit on; and the list of suppressed addresses.
 */
export class SendGate {
  constructor(private readonly pool: Pool) {}

  /** In the order asked. */
  async look(questions: readonly GateQuestion[]): Promise<GateFacts[]> {
    if (questions.length === 0) return [];
    const { rows } = await this.pool.query<{ policy: GateFacts['policy']; decisions: ConsentDecision[] | null; suppressions: Suppression[] | null }>({
      name: 'look-at-gate',
      text: LOOK,
      values: [
        questions.map((question) => question.workspace),
        questions.map((question) => question.purpose),
        questions.map((question) => question.profileId),
        questions.map((question) => question.recipientId),
        questions.map((question) => question.addressHash),
      ],
    });
    return rows.map(({ policy, decisions, suppressions }) => ({ policy, decisions: decisions ?? [], suppressions: suppressions ?? [] }));
  }
}

const LOOK = `
  select
    (select p.policy from consent.purposes_public p where p.workspace = c.workspace and p.purpose = c.purpose) as policy,
    (select jsonb_agg(jsonb_build_object('decision', d.decision, 'atMs', d.at_ms)) from consent.current_decisions d
      where d.workspace = c.workspace and d.purpose = c.purpose and d.profile_id in (c.profile_id, c.recipient_id)) as decisions,
    (select jsonb_agg(jsonb_build_object('purpose', s.purpose, 'reason', s.reason, 'atMs', s.at_ms)) from delivery.suppressions s
      where s.workspace = c.workspace and s.purpose in (c.purpose, '*')
        and (s.address_hash = c.address_hash or (s.profile_id in (c.profile_id, c.recipient_id) and s.reason = 'unsubscribed'))) as suppressions
  from unnest($1::text[], $2::text[], $3::uuid[], $4::uuid[], $5::bytea[])
    with ordinality as c(workspace, purpose, profile_id, recipient_id, address_hash, ord)
  order by c.ord`;
