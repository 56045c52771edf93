import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Json } from '@tributary/contracts/rule';
import type { ConsentDecision, DatedDecision } from '@tributary/domain/consent/decision';
import { messageIdOf } from '@tributary/domain/consent/receipt-of';
import { Standings } from '@tributary/domain/consent/standings';
import { checkStorable } from '@tributary/domain/ingestion/check-storable';
import { parseInstant } from '@tributary/domain/segmentation/parse-instant';
import { log } from '@tributary/service/log';
import { notFound, Problem, refused } from '@tributary/service/problem';
import { parseRef, type ProfileDirectory } from '@tributary/service/profile-directory';
import { type Announcement, type Announcements, isNameable, type Naming } from './announcements.postgres.js';
import type { ConsentLedger, LedgerEntry } from './consent-ledger.postgres.js';

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
/** Nor longer for a new profile to be made. */
const NEW_PROFILE_MS_MAX = 10_000;

/** Takes a decision over a door: commits it and tells the stream. Once it answers, the decision counts at the gate. */
export class RecordConsent {
  constructor(
    private readonly directory: Pick<ProfileDirectory, 'find'>,
    private readonly ledger: ConsentLedger,
    private readonly announcements: Announcements,
    private readonly newProfileMsMax = NEW_PROFILE_MS_MAX,
  ) {}

  /**
   * @throws Problem 404 for an unknown profile id, 422 for a time or a proof that cannot be taken, 503 while the stream
   * cannot make a new profile in time: then the decision is recorded later, and sending it again does no harm
   */
  async record(workspace: string, ref: string, statement: ConsentStatement): Promise<Receipt> {
    checkStatement(statement);
    const nowMs = Date.now();
    const { occurredAt, ...stated } = statement;
    const statedMs = occurredAt === null ? null : readTime(occurredAt, nowMs);
    const decision = { ...stated, workspace, receipt: randomUUID() };
    const profileId = await this.directory.find(workspace, ref);
    if (profileId !== null) return this.#recordKnown(decision, profileId, statedMs, nowMs);
    const naming = parseRef(ref);
    if ('id' in naming) throw notFound('profile with this id');
    if (!isNameable(naming)) throw refused([{ pointer: '/profile', code: 'malformed_identifier', detail: 'No profile can have this identifier. Check its type and how it is written.' }]);
    return this.#recordNew({ ...decision, occurredAtMs: statedMs ?? nowMs }, naming);
  }

  /** Committed here and now, told afterwards. */
  async #recordKnown(decision: Omit<Announcement, 'occurredAtMs'>, profileId: string, statedMs: number | null, nowMs: number): Promise<Receipt> {
    const { workspace, receipt, purpose } = decision;
    const standings = new Standings(await this.ledger.load([{ workspace, profileId }]));
    const before = standings.standing(workspace, profileId, purpose);
    const occurredAtMs = statedMs ?? afterAll(before, decision.decision, nowMs);
    const entry = { ...decision, profileId, occurredAtMs, messageId: messageIdOf(receipt), previous: before?.receipt ?? null };
    const recordedMs = await this.ledger.record(entry);
    await within(ANNOUNCE_MS_MAX, this.#tell(workspace, receipt));
    return receiptOfEntry({ ...entry, id: receipt, occurredMs: occurredAtMs, recordedMs });
  }

  /**
   * Whose it is, only the stream can say: an event on its way may be giving the identifier to somebody. So the decision goes
   * through the front door, and the gate itself puts it into the ledger before any later event passes.
   */
  async #recordNew(announcement: Announcement, naming: Naming): Promise<Receipt> {
    const { workspace, receipt } = announcement;
    const deadlineMs = Date.now() + this.newProfileMsMax;
    await this.announcements.add(announcement, naming);
    await within(this.newProfileMsMax, this.#tell(workspace, receipt));
    for (let waitMs = 5; ; waitMs = Math.min(2 * waitMs, 80)) {
      const entry = await this.ledger.find(workspace, receipt);
      if (entry !== undefined) return receiptOfEntry(entry);
      if (Date.now() > deadlineMs) break;
      await sleep(waitMs);
    }
    throw new Problem(503, 'not_recorded_yet', 'The profile could not be made in time. The decision will be recorded; sending it again does no harm.', [], 5);
  }

  async #tell(workspace: string, receipt: string): Promise<void> {
    try {
      await this.announcements.tell(workspace, receipt);
    } catch (error) {
      log.warn({ err: error, receipt }, 'a decision could not be announced yet and will be later');
    }
  }
}

/** Waits for work that goes on by itself, but no longer than that. */
async function within(msMax: number, work: Promise<void>): Promise<void> {
  const giveUp = new AbortController();
  await Promise.race([work, sleep(msMax, undefined, { signal: giveUp.signal }).catch(() => undefined)]);
  giveUp.abort();
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
