import type { Entry } from '@tributary/contracts/entry';
import { CONSENT_UPDATED, LIST_MEMBERSHIP_CHANGED } from '@tributary/contracts/own-events';
import { profilesMerged } from '@tributary/contracts/topics/profiles-merged';
import { deriveEventTime } from '@tributary/domain/ingestion/derive-event-time';
import { IdentityGraph, type Merge, type Name } from '@tributary/domain/ingestion/identity-graph';
import type { Ending, LogRecord, OutRecord } from '@tributary/stream/stage';
import type { Answer } from './identity-store.postgres.js';
import { deriveProfileId } from './profile-id.js';
import type { EventReading, ParkReason, TransferReading } from './read-record.js';
import type { Sender } from './sender-directory.js';

/** Why a record ends here in good health. */
export type DropReason = 'tick' | 'duplicate_message' | 'duplicate_fact';

/** A record that reads well, its sender, the hashes of what makes it that event, and the names of whose it is. */
export type Subject = (EventReading | TransferReading) & {
  readonly from: Sender;
  readonly messageHash: string;
  readonly factHash: string | null;
  /** Empty where a profile is named directly. */
  readonly names: readonly Name[];
};

/** A record whose ending needs nothing stored. */
export type Settled = Exclude<Ending, { ending: 'forward' }>;

/** Decides the records of a batch one by one, on what was stored and what those before have said. */
export class BatchDecision {
  readonly endings: Ending[] = [];
  readonly graph: IdentityGraph;
  readonly #remembered = new Set<string>();

  /** @param senders those of the batch: their workspaces make profile ids */
  constructor(private readonly stored: Answer, senders: Iterable<Sender>) {
    const secrets = new Map([...senders].map(({ workspace, idSecret }) => [workspace, idSecret]));
    this.graph = new IdentityGraph(stored, (workspace, identifier) => deriveProfileId(secrets.get(workspace) as Buffer, identifier));
  }

  decide(record: LogRecord, subject: Subject | Settled): void {
    this.endings.push('ending' in subject ? subject : this.#end(record, subject));
  }

  /** Hashes to be kept: of every event that was accepted, and of every repeated report of a fact. */
  remembered(): readonly string[] {
    return [...this.#remembered];
  }

  #end(record: LogRecord, subject: Subject): Ending {
    if (this.#isSeen(subject.messageHash)) return drop('duplicate_message');
    if (subject.is === 'transfer') return this.#forwardTransfer(record, subject);
    const named = subject.profileId === null ? null : this.#survivor(subject.from.workspace, subject.profileId);
    if (named === undefined) return park('unknown_profile');
    this.#remembered.add(subject.messageHash);
    if (subject.factHash !== null) {
      if (this.#isSeen(subject.factHash)) return drop('duplicate_fact');
      this.#remembered.add(subject.factHash);
    }
    return this.#forwardEvent(record, subject, named);
  }

  #forwardEvent(record: LogRecord, subject: EventReading & Subject, named: string | null): Ending {
    const { facts, from: { workspace, trusted } } = subject;
    const appendedMs = record.timestampMs;
    const { profileId, merges } = named !== null
      ? { profileId: named, merges: [] }
      : this.graph.resolve({ workspace, names: subject.names, isAlias: facts.previousId !== null, isTrusted: trusted, appendedMs });
    const traceparent = record.headers['traceparent'];
    const speaker = speakerOf(subject);
    const event: Entry = {
      kind: 'event', workspace, profileId, type: facts.type, name: facts.name, messageId: subject.messageId,
      timestampMs: deriveEventTime({ timestampMs: facts.timestampMs, sentAtMs: facts.sentAtMs, receivedMs: subject.receivedMs, appendedMs }),
      appendedAtMs: appendedMs, source: record.partition, offset: record.offset, body: subject.body,
      ...(speaker === undefined ? {} : { speaker }),
      ...(traceparent !== undefined && TRACEPARENT.test(traceparent) ? { traceparent } : {}),
    };
    return { ending: 'forward', entries: [...merges.flatMap((merge) => mergeEntries(merge, record)), event] };
  }

  /** The survivor may have been merged further while the loser's state was under way. */
  #forwardTransfer(record: LogRecord, subject: TransferReading & Subject): Ending {
    const { workspace } = subject.from;
    const profileId = this.#survivor(workspace, subject.transfer.survivor);
    if (profileId === undefined) return park('unknown_profile');
    this.#remembered.add(subject.messageHash);
    const entry: Entry = { ...controlEntry('transfer', record), workspace, profileId, other: subject.transfer.loser, messageId: subject.messageId, body: subject.body };
    return { ending: 'forward', entries: [entry] };
  }

  #survivor(workspace: string, profileId: string): string | undefined {
    const profile = this.stored.named(profileId);
    return profile?.workspace === workspace ? this.graph.survivor(profile) : undefined;
  }

  #isSeen(hash: string): boolean {
    return this.stored.seen.has(hash) || this.#remembered.has(hash);
  }
}

/** What tells everybody else of a merge. */
export function mergeRecord({ workspace, loser, survivor, appendedMs }: Merge): OutRecord {
  const value = { workspace, loser, survivor, mergedAt: new Date(appendedMs).toISOString() };
  return { topic: profilesMerged.name, key: Buffer.from(loser), value: Buffer.from(JSON.stringify(value)), headers: { 'schema-version': '1', workspace } };
}

export function drop(reason: DropReason): Settled {
  return { ending: 'drop', reason };
}

export function park(reason: ParkReason): Settled {
  return { ending: 'park', reason };
}

/** Told only where the gate asks: every header costs its way through the pipe. */
function speakerOf({ facts: { type, name }, sender, from }: EventReading & Subject): Entry['speaker'] {
  if (type !== 'track') return undefined;
  if (name === CONSENT_UPDATED && !from.trusted) return 'untrusted';
  return name === LIST_MEMBERSHIP_CHANGED && sender.by === 'workspace' ? 'service' : undefined;
}

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const NOTHING = Buffer.alloc(0);

/** The loser hears first, so that it hands over what it has; then the survivor, so that it waits; then the event comes. */
function mergeEntries({ workspace, loser, survivor }: Merge, record: LogRecord): Entry[] {
  const messageId = `merge:${loser}`;
  return [
    { ...controlEntry('merged', record), workspace, profileId: loser, other: survivor, messageId },
    { ...controlEntry('merging', record), workspace, profileId: survivor, other: loser, messageId },
  ];
}

function controlEntry(kind: 'merged' | 'merging' | 'transfer', record: LogRecord) {
  const { timestampMs, partition, offset } = record;
  return { kind, type: '', name: '', timestampMs, appendedAtMs: timestampMs, source: partition, offset, body: NOTHING };
}
