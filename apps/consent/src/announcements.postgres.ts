import { CONSENT_UPDATED } from '@tributary/contracts/own-events';
import type { ConsentDecision } from '@tributary/domain/consent/decision';
import type { StatedConsent } from '@tributary/domain/consent/read-consent';
import { messageIdOf } from '@tributary/domain/consent/receipt-of';
import { readEvent } from '@tributary/domain/ingestion/read-event';
import type { Pool } from '@tributary/postgres/pool';
import type { Write } from '@tributary/postgres/write';
import type { InletMessage, InletWriter } from '@tributary/service/inlet-writer';
import { log } from '@tributary/service/log';

const SWEEP_MS = 10_000;
/** Younger ones are being told by the request that made them. */
const OVERDUE_SECONDS = 15;
const SWEPT_MAX = 200;
/** What nobody has taken in by then waits for a person to look. */
const TOLD_DAYS_MAX = 3;

/** By which identifier a person is named of whom nothing is known yet. */
export interface Naming {
  readonly type: string;
  readonly value: string;
}

/** A decision that came in over a door. */
export interface Announcement extends StatedConsent {
  readonly workspace: string;
  readonly receipt: string;
}

/** @param naming set where there is no profile yet: then the stream makes it, and the stage writes the ledger */
export function insertAnnouncement(entry: Announcement & { readonly profileId?: string }, naming: Naming | null): Write {
  return {
    text: `insert into consent.announcements (workspace, receipt, profile_id, identifier_type, identifier_value, purpose, decision, occurred_ms, source, text_version, jurisdiction, proof)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    values: [
      entry.workspace, entry.receipt, naming === null ? entry.profileId : null, naming?.type ?? null, naming?.value ?? null, entry.purpose, entry.decision,
      entry.occurredAtMs, entry.source, entry.textVersion, entry.jurisdiction, entry.proof === null ? null : JSON.stringify(entry.proof),
    ],
  };
}

/**
 * Tells the stream of decisions that were committed over HTTP or gRPC, so that rules see them at their place in the log.
 * Each is told at least once, under the same message id, however often a process dies in between.
 */
export class Announcements {
  #timer: NodeJS.Timeout | undefined;
  #sweeping: Promise<void> | undefined;

  constructor(private readonly pool: Pool, private readonly inlet: Pick<InletWriter, 'write'>) {}

  /** Commits a decision of somebody who has no profile yet. */
  async add(announcement: Announcement, naming: Naming): Promise<void> {
    const { text, values } = insertAnnouncement(announcement, naming);
    await this.pool.query(text, [...values]);
  }

  /** Tells of one. Resolves once the broker has it; on an error a later sweep tells of it. */
  async tell(workspace: string, receipt: string): Promise<void> {
    await this.#tell('where workspace = $1 and receipt = $2', [workspace, receipt]);
  }

  /** Tells of all that were left. @returns how many */
  async sweep(): Promise<number> {
    await this.#settle();
    return this.#tell(`where created_at < now() - make_interval(secs => ${OVERDUE_SECONDS}) and created_at > now() - make_interval(days => ${TOLD_DAYS_MAX})`, []);
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
    const { rows } = await this.pool.query<AnnouncedRow>({ text: `${SELECT} ${which} order by created_at limit ${SWEPT_MAX}`, values: [...values] });
    await this.inlet.write(rows.map(messageOf));
    const told = rows.filter((row) => row.profileId !== null);
    if (told.length > 0) {
      await this.pool.query('delete from consent.announcements a using unnest($1::text[], $2::uuid[]) as told (workspace, receipt) where a.workspace = told.workspace and a.receipt = told.receipt', [
        told.map((row) => row.workspace),
        told.map((row) => row.receipt),
      ]);
    }
    return rows.length;
  }

  /** One without a profile is done with once the stage has put it into the ledger. */
  async #settle(): Promise<void> {
    await this.pool.query('delete from consent.announcements a using consent.ledger l where a.profile_id is null and l.workspace = a.workspace and l.id = a.receipt');
  }
}

interface AnnouncedRow {
  readonly workspace: string;
  readonly receipt: string;
  readonly profileId: string | null;
  readonly type: string;
  readonly value: string;
  readonly purpose: string;
  readonly decision: ConsentDecision;
  readonly occurredMs: number;
  readonly source: string | null;
  readonly textVersion: string | null;
  readonly jurisdiction: string | null;
}

const SELECT = `
  select workspace, receipt, profile_id as "profileId", identifier_type as type, identifier_value as value, purpose, decision,
    occurred_ms as "occurredMs", source, text_version as "textVersion", jurisdiction
  from consent.announcements`;

/** Whether the front door would take this identifier. */
export function isNameable({ type, value }: Naming): boolean {
  return !('refused' in readEvent({ type: 'track', event: CONSENT_UPDATED, ...identifierFields(type, value) }));
}

/** The evidence stays where it is: a rule has no use for it. */
function messageOf(row: AnnouncedRow): InletMessage {
  const { workspace, receipt, profileId, purpose, decision, source, textVersion, jurisdiction } = row;
  const occurredAt = new Date(row.occurredMs).toISOString();
  return {
    workspace,
    ...(profileId === null ? {} : { profileId }),
    key: profileId ?? `${row.type}:${row.value}`,
    message: {
      type: 'track',
      event: CONSENT_UPDATED,
      messageId: messageIdOf(receipt),
      timestamp: occurredAt,
      ...(profileId === null ? identifierFields(row.type, row.value) : {}),
      properties: { purpose, decision, occurredAt, receipt, source, textVersion, jurisdiction },
    },
  };
}

/** Where the Segment spec has an identifier of this type. */
function identifierFields(type: string, value: string): { readonly [field: string]: unknown } {
  if (type === 'userId' || type === 'anonymousId') return { [type]: value };
  if (type === 'deviceId') return { context: { device: { id: value } } };
  return { context: { externalIds: [{ type, id: value, collection: 'users', encoding: 'none' }] } };
}
