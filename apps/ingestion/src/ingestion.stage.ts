import { Controller } from '@nestjs/common';
import { eventsReceived } from '@tributary/contracts/topics/events-received';
import { inboundEvents } from '@tributary/contracts/topics/inbound-events';
import { listNames, type Name } from '@tributary/domain/ingestion/identity-graph';
import { ServicePool } from '@tributary/service/service-pool';
import type { Decision, LogRecord, RecordStage, Stage } from '@tributary/stream/stage';
import { HostStage } from '@tributary/stream/stage-transport';
import { BatchDecision, drop, mergeRecord, park, type Settled, type Subject } from './batch-decision.js';
import { hashFact, hashMessage, hashReplay } from './hash-seen.js';
import { IdentityStore, type Question } from './identity-store.postgres.js';
import { IngestionConfig } from './ingestion.config.js';
import { type Reading, RecordReader } from './read-record.js';
import { type Sender, SenderDirectory, senderKey, type SenderRef } from './sender-directory.js';
import { writeIdentities, writeSeen } from './write-identities.js';

/** Hosts the stage in the service. */
@Controller()
export class IngestionStageHost {
  constructor(private readonly config: IngestionConfig, private readonly pool: ServicePool) {}

  @HostStage()
  host(): Stage {
    const { TRIBUTARY_SECRET: secret, TRUST_SOURCE_ID: trustSourceId } = this.config;
    const { pool } = this.pool;
    return new IngestionStage(new RecordReader({ secret, trustSourceId }), new SenderDirectory(pool), new IdentityStore(pool));
  }
}

/**
 * Accepts events: reads them in all their forms, drops what has been seen, and says whose they are. One query and one set
 * of writes a batch; records are decided one by one in the order of their append times.
 */
export class IngestionStage implements RecordStage {
  readonly kind = 'records';
  readonly name = 'ingestion';
  readonly reads = inboundEvents;
  readonly writes = eventsReceived;

  constructor(
    private readonly reader: RecordReader,
    private readonly senders: SenderDirectory,
    private readonly identities: IdentityStore,
  ) {}

  /** @param records in the order of their append times */
  async decide(records: readonly LogRecord[]): Promise<Decision> {
    const readings = records.map((record) => this.reader.read(record));
    const senders = await this.#findSenders(readings);
    const subjects = readings.map((reading) => toSubject(reading, senders));
    const stored = await this.identities.load(askFor(subjects));
    const batch = new BatchDecision(stored, presentSenders(senders));
    records.forEach((record, index) => batch.decide(record, subjects[index] as Subject | Settled));
    const changes = batch.graph.changes();
    return {
      endings: batch.endings,
      writes: [...writeSeen(batch.remembered()), ...writeIdentities(changes)],
      records: changes.merges.map(mergeRecord),
      afterCommit: () => this.identities.remember(changes),
    };
  }

  reset(): void {
    this.identities.reset();
  }

  #findSenders(readings: readonly Reading[]): Promise<Senders> {
    const refs = new Map<string, SenderRef>();
    for (const reading of readings) if ('sender' in reading) refs.set(senderKey(reading.sender), reading.sender);
    return this.senders.find(refs);
  }
}

type Senders = ReadonlyMap<string, Sender | null>;

function toSubject(reading: Reading, senders: Senders): Subject | Settled {
  if (reading.is === 'tick') return drop('tick');
  if (reading.is === 'unfit') return park(reading.reason);
  const from = senders.get(senderKey(reading.sender)) ?? null;
  if (from === null) return park('unknown_key');
  const messageHash = hashMessage(from.workspace, reading.messageId);
  if (reading.is === 'transfer') return { ...reading, from, messageHash, factHash: null, names: NAMELESS };
  const { name, fact, identifiers, previousId } = reading.facts;
  if (reading.replay !== null) return { ...reading, from, messageHash: hashReplay(from.workspace, reading.replay), factHash: null, names: NAMELESS };
  const factHash = fact === null ? null : hashFact(from.workspace, name, fact);
  return { ...reading, from, messageHash, factHash, names: reading.profileId === null ? listNames(from.workspace, identifiers, previousId) : NAMELESS };
}

const NAMELESS: readonly Name[] = [];

function* presentSenders(senders: Senders): Generator<Sender> {
  for (const sender of senders.values()) if (sender !== null) yield sender;
}

/** Everything that the decisions of a batch can depend on. */
function askFor(subjects: readonly (Subject | Settled)[]): Question {
  const hashes = new Set<string>();
  const names = new Map<string, Name>();
  const profileIds = new Set<string>();
  for (const subject of subjects) {
    if ('ending' in subject) continue;
    hashes.add(subject.messageHash);
    if (subject.factHash !== null) hashes.add(subject.factHash);
    if (subject.is === 'transfer') profileIds.add(subject.transfer.survivor);
    else if (subject.profileId !== null) profileIds.add(subject.profileId);
    for (const name of subject.names) if (!names.has(name.key)) names.set(name.key, name);
  }
  return { hashes: [...hashes], names, profileIds };
}
