import { randomUUID } from 'node:crypto';
import type { Json } from '@tributary/contracts/rule';
import type { ConsentDecision, DatedDecision } from '@tributary/domain/consent/decision';
import { Standings } from '@tributary/domain/consent/standings';
import { checkStorable } from '@tributary/domain/ingestion/check-storable';
import { parseInstant } from '@tributary/domain/segmentation/parse-instant';
import { log } from '@tributary/service/log';
import { refused } from '@tributary/service/problem';
import type { Announcements } from './announcements.postgres.js';
import type { ConsentLedger, LedgerEntry } from './consent-ledger.postgres.js';
import type { ConsentProfiles } from './consent-profiles.js';

/** What the caller says. */
export interface ConsentStatement {
  readonly purpose: string;
  readonly decision: ConsentDecision;
  readonly source: string;
  readonly textVersion: string;
  readonly jurisdiction: string | null;
  readonly proof: Json;
  /** When the person decided, as the caller wrote it; null: now. */
  readonly occurredAt: string | null;
}

/** Proof that a decision is in the ledger. */
export interface Receipt {
  readonly id: string;
  readonly profileId: string;
  readonly purpose: string;
  readonly decision: ConsentDecision;
  readonly occurredAt: string;
  readonly recordedAt: string;
  readonly source: string | null;
  readonly textVersion: string | null;
  readonly jurisdiction: string | null;
  readonly proof: unknown;
  /** Receipt of the decision that stood before, or null. */
  readonly previous: string | null;
}

/** Clocks differ; a decision further ahead would keep later ones from counting. */
const AHEAD_MS_MAX = 5 * 60_000;
const PROOF_BYTES_MAX = 16 * 1_024;
/** The answer does not wait longer for the broker: what was committed is announced by the sweep. */
const ANNOUNCE_MS_MAX = 2_000;

/** Takes a decision over a door: commits it, then tells the stream. From the commit on it counts at the gate. */
export class RecordConsent {
  constructor(
    private readonly profiles: ConsentProfiles,
    private readonly ledger: ConsentLedger,
    private readonly announcements: Announcements,
  ) {}

  /** @throws Problem 404 for an unknown profile id, 422 for a time or a proof that cannot be taken */
  async record(workspace: string, ref: string, statement: ConsentStatement): Promise<Receipt> {
    checkStatement(statement);
    const { occurredAt, ...stated } = statement;
    const { profileId, naming } = await this.profiles.findOrName(workspace, ref);
    const standings = new Standings(await this.ledger.load([{ workspace, profileId }]));
    const before = standings.standing(workspace, profileId, statement.purpose);
    const occurredAtMs = occurredAt === null ? afterAll(before, statement.decision, Date.now()) : readTime(occurredAt, Date.now());
    const entry = { ...stated, workspace, profileId, occurredAtMs, receipt: randomUUID(), previous: before?.receipt ?? null };
    const recordedMs = await this.ledger.record(entry, naming);
    await this.#announce(workspace, entry.receipt);
    return receiptOfEntry({ ...entry, id: entry.receipt, occurredMs: occurredAtMs, recordedMs });
  }

  async #announce(workspace: string, receipt: string): Promise<void> {
    const told = this.announcements.tell(workspace, receipt).catch((error: unknown) => {
      log.warn({ err: error, receipt }, 'a decision is recorded but could not be announced yet');
    });
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([told, new Promise((resolve) => (timer = setTimeout(resolve, ANNOUNCE_MS_MAX)))]);
    clearTimeout(timer);
  }
}

/** A ledger entry as its receipt shows it. */
export function receiptOfEntry(entry: Omit<LedgerEntry, 'sequence'>): Receipt {
  return {
    id: entry.id,
    profileId: entry.profileId,
    purpose: entry.purpose,
    decision: entry.decision,
    occurredAt: new Date(entry.occurredMs).toISOString(),
    recordedAt: new Date(entry.recordedMs).toISOString(),
    source: entry.source,
    textVersion: entry.textVersion,
    jurisdiction: entry.jurisdiction,
    proof: entry.proof,
    previous: entry.previous,
  };
}

/** @throws Problem 422 */
function checkStatement({ proof, source, textVersion, jurisdiction }: ConsentStatement): void {
  const evidence = JSON.stringify(proof);
  if (Buffer.byteLength(evidence) > PROOF_BYTES_MAX) {
    throw refused([{ pointer: '/proof', code: 'too_large', detail: 'A proof has at most 16 KiB of JSON. Keep the document elsewhere and send where it is.' }]);
  }
  for (const [pointer, json] of Object.entries({ '/proof': evidence, '/source': JSON.stringify(source), '/textVersion': JSON.stringify(textVersion), '/jurisdiction': JSON.stringify(jurisdiction) })) {
    if (checkStorable(json) !== null) throw refused([{ pointer, code: 'unstorable', detail: 'Texts must be well-formed Unicode without U+0000, and numbers of ordinary size.' }]);
  }
}

/** What is decided now is decided after all that was decided before, also when that bears the time of a faster clock. */
function afterAll(before: DatedDecision | undefined, decision: ConsentDecision, nowMs: number): number {
  if (before === undefined) return nowMs;
  return Math.max(nowMs, decision === 'withdrawn' ? before.atMs : before.atMs + 1);
}

/** A decision a little ahead of our clock was made now. @throws Problem 422 */
function readTime(occurredAt: string, nowMs: number): number {
  const statedMs = parseInstant(occurredAt);
  if (statedMs === undefined) throw refused([{ pointer: '/occurredAt', code: 'not_an_instant', detail: 'occurredAt must be an instant like 2026-03-01T12:00:00.000Z.' }]);
  if (statedMs <= nowMs + AHEAD_MS_MAX) return Math.min(statedMs, nowMs);
  throw refused([{ pointer: '/occurredAt', code: 'in_the_future', detail: 'occurredAt lies in the future. Send the instant at which the person decided, or leave it out.' }]);
}
