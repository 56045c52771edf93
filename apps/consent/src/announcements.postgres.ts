import type { ConsentDecision } from '@tributary/domain/consent/decision';
import { CONSENT_EVENT } from '@tributary/domain/consent/read-consent';
import { messageIdOf } from '@tributary/domain/consent/receipt-of';
import type { Pool } from '@tributary/postgres/pool';
import type { InletMessage, InletWriter } from '@tributary/service/inlet-writer';
import { log } from '@tributary/service/log';

const SWEEP_MS = 10_000;
/** Younger ones are being told by the request that made them. */
const OVERDUE_SECONDS = 10;
const SWEPT_MAX = 200;

/**
 * Tells the stream of decisions that were committed over HTTP or gRPC, so that rules see them at their place in the log.
 * Each is told at least once, under the same message id, however often a process dies in between.
 */
export class Announcements {
  #timer: NodeJS.Timeout | undefined;
  #sweeping: Promise<void> | undefined;

  constructor(private readonly pool: Pool, private readonly inlet: Pick<InletWriter, 'write'>) {}

  /** Tells of these; those that cannot be told now are told by a later sweep. */
  async tell(workspace: string, receipt: string): Promise<void> {
    await this.#tell('where a.workspace = $1 and a.receipt = $2', [workspace, receipt]);
  }

  /** Tells of all that were left. @returns how many */
  async sweep(): Promise<number> {
    return this.#tell(`where a.created_at < now() - make_interval(secs => ${OVERDUE_SECONDS})`, []);
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#sweeping ??= this.sweep()
        .then(() => undefined, (error: unknown) => log.warn({ err: error }, 'decisions could not be announced and will be tried again'))
        .finally(() => (this.#sweeping = undefined));
    }, SWEEP_MS).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sweeping;
  }

  async #tell(which: string, values: readonly unknown[]): Promise<number> {
    const { rows } = await this.pool.query<AnnouncedRow>({ text: `${SELECT} ${which} order by l.sequence limit ${SWEPT_MAX}`, values: [...values] });
    await this.inlet.write(rows.map(messageOf));
    if (rows.length > 0) {
      await this.pool.query('delete from consent.announcements using unnest($1::text[], $2::uuid[]) as told (w, r) where workspace = told.w and receipt = told.r', [
        rows.map((row) => row.workspace),
        rows.map((row) => row.receipt),
      ]);
    }
    return rows.length;
  }
}

interface AnnouncedRow {
  readonly workspace: string;
  readonly receipt: string;
  readonly type: string | null;
  readonly value: string | null;
  readonly profileId: string;
  readonly purpose: string;
  readonly decision: ConsentDecision;
  readonly occurredMs: number;
  readonly source: string | null;
  readonly textVersion: string | null;
}

const SELECT = `
  select a.workspace, a.receipt, a.identifier_type as type, a.identifier_value as value, l.profile_id as "profileId", l.purpose, l.decision,
    l.occurred_ms as "occurredMs", l.source, l.text_version as "textVersion"
  from consent.announcements a join consent.ledger l on l.workspace = a.workspace and l.id = a.receipt`;

/** The evidence stays in the ledger: a rule has no use for it. */
function messageOf(row: AnnouncedRow): InletMessage {
  const occurredAt = new Date(row.occurredMs).toISOString();
  return {
    workspace: row.workspace,
    // A profile that is not made yet cannot be named, but its identifier makes it.
    ...(row.type === null ? { profileId: row.profileId } : {}),
    key: row.profileId,
    message: {
      type: 'track',
      event: CONSENT_EVENT,
      messageId: messageIdOf(row.receipt),
      timestamp: occurredAt,
      ...identifierFields(row.type, row.value),
      properties: { purpose: row.purpose, decision: row.decision, occurredAt, receipt: row.receipt, source: row.source, textVersion: row.textVersion },
    },
  };
}

/** Where the Segment spec has an identifier of this type. */
function identifierFields(type: string | null, value: string | null): { readonly [field: string]: unknown } {
  if (type === null || value === null) return {};
  if (type === 'userId' || type === 'anonymousId') return { [type]: value };
  if (type === 'deviceId') return { context: { device: { id: value } } };
  return { context: { externalIds: [{ type, id: value, collection: 'users', encoding: 'none' }] } };
}
