// Lines on the real broker and the real database: topics of their own, stages that do as little as shows what happened.
import { createHash } from 'node:crypto';
import type { Entry } from '@tributary/contracts/entry';
import { parkedTopic, type StageName } from '@tributary/contracts/topics/flow';
import { eventsConsented } from '@tributary/contracts/topics/events-consented';
import { eventsReceived } from '@tributary/contracts/topics/events-received';
import { inboundEvents } from '@tributary/contracts/topics/inbound-events';
import { profilesScored } from '@tributary/contracts/topics/profiles-scored';
import { segmentsChanged } from '@tributary/contracts/topics/segments-changed';
import type { Topic } from '@tributary/contracts/topics/topic';
import { migrate } from '@tributary/postgres/migrate';
import { createPool, type Pool } from '@tributary/postgres/pool';
import { Line } from '@tributary/stream/line';
import type { LineObserver, LineOptions } from '@tributary/stream/line-options';
import { type Log, openLog } from '@tributary/stream/log';
import { readTopic } from '@tributary/stream/read-topic';
import { streamSchema } from '@tributary/stream/schema';
import type { LogRecord, OutRecord, Stage } from '@tributary/stream/stage';
import { createTestBroker } from './test-broker.js';
import { createTestDatabase } from './test-database.js';

export const PARTITIONS = 4;

/** What happened in a line, as its observer and `onFatal` were told. */
export interface LineStory {
  readonly endings: { stage: StageName; ending: string; reason: string; count: number }[];
  readonly failures: unknown[];
  readonly batches: { records: number; ms: number }[];
  lost: number;
  readonly fatal: Error[];
}

export interface StartedLine {
  readonly line: Line;
  readonly story: LineStory;
}

export interface StreamStack {
  /** The test's own connections. */
  readonly pool: Pool;
  /** Those of the lines: named `line` in pg_stat_activity. */
  readonly linePool: Pool;
  readonly log: Log;
  readonly prefix: string;
  readonly brokers: readonly string[];
  /** Another client, as another process would have. Closed with the stack. */
  openLog(): Promise<Log>;
  startLine(stages: readonly [Stage, ...Stage[]], overrides?: Partial<LineOptions>): Promise<StartedLine>;
  optionsFor(stages: readonly [Stage, ...Stage[]], story: LineStory, overrides?: Partial<LineOptions>): LineOptions;
  send(...records: OutRecord[]): Promise<void>;
  /** Everything in a topic now, partition by partition. */
  read(topic: string): Promise<LogRecord[]>;
  close(): Promise<void>;
}

const TOPICS: readonly Topic[] = [
  inboundEvents, eventsReceived, eventsConsented, profilesScored, segmentsChanged,
  parkedTopic('ingestion'), parkedTopic('consent'), parkedTopic('scoring'), parkedTopic('segmentation'),
];

/** A database with what libs/stream and the tallying stages keep. */
export const streamTemplate = {
  name: 'stream-stack',
  async prepare(url: string) {
    await migrate(url, [streamSchema], () => undefined);
    const pool = createPool({ url, name: 'stream-stack', max: 1 });
    await pool.query('create table public.tallies (stage text, profile_id uuid, tally text, primary key (stage, profile_id))');
    await pool.end();
  },
};

export async function openStreamStack(): Promise<StreamStack> {
  const broker = createTestBroker();
  const database = await createTestDatabase({ template: streamTemplate });
  const pool = createPool({ url: database.url, name: 'stream-stack', max: 12 });
  const linePool = createPool({ url: database.url, name: 'line', max: 12 });
  const client = process.env['KAFKA_CLIENT'] === 'platformatic' ? 'platformatic' : 'kafkajs';
  const logs: Log[] = [];
  const open = async (): Promise<Log> => {
    const log = await openLog({ brokers: broker.brokers, clientId: 'stream-stack', client, prefix: broker.prefix });
    logs.push(log);
    return log;
  };
  const log = await open();
  await log.ensureTopics(TOPICS.map(({ name, partitions, config }) => ({ name, partitions: partitions === 'one' ? 1 : PARTITIONS, replicationFactor: 1, config })));
  const lines: Line[] = [];

  const optionsFor = (stages: readonly [Stage, ...Stage[]], story: LineStory, overrides: Partial<LineOptions> = {}): LineOptions => ({
    stages, log, pool: linePool, partitions: PARTITIONS, inletPartitions: PARTITIONS, statesMax: 10_000,
    observer: observerOf(story),
    onFatal: (error) => void story.fatal.push(error),
    ...overrides,
  });

  return {
    pool, linePool, log, prefix: broker.prefix, brokers: broker.brokers, openLog: open, optionsFor,
    async startLine(stages, overrides = {}) {
      const story = newStory();
      const line = new Line(optionsFor(stages, story, overrides));
      lines.push(line);
      await line.start();
      return { line, story };
    },
    send: async (...records) => (await log.producer()).send(records),
    read: (topic) => readAll(log, topic),
    async close() {
      await Promise.all(lines.map((line) => line.stop()));
      await Promise.all(logs.map((one) => one.close()));
      await linePool.end();
      await pool.end();
      await database.drop();
    },
  };
}

/** A log whose sends go through the test's hands; everything else as it is. */
export function interceptSends(log: Log, send: (records: readonly OutRecord[], pass: (records: readonly OutRecord[]) => Promise<void>) => Promise<void>): Log {
  return {
    producer: async () => {
      const producer = await log.producer();
      return { send: (records) => send(records, (passed) => producer.send(passed)) };
    },
    consume: (options) => log.consume(options),
    tail: (options) => log.tail(options),
    ensureTopics: (topics) => log.ensureTopics(topics),
    offsets: (topic) => log.offsets(topic),
    committed: (group, topic) => log.committed(group, topic),
    close: () => log.close(),
  };
}

export function newStory(): LineStory {
  return { endings: [], failures: [], batches: [], lost: 0, fatal: [] };
}

function observerOf(story: LineStory): LineObserver {
  return {
    ending: (stage, ending, reason, count) => void story.endings.push({ stage, ending, reason, count }),
    watermark: () => undefined,
    batch: (_, records, ms) => void story.batches.push({ records, ms }),
    failure: (_, error) => void story.failures.push(error),
    lost: () => void story.lost++,
  };
}

async function readAll(log: Log, topic: string): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  await readTopic(log, topic, (record) => void records.push(record));
  return records.sort((left, right) => left.partition - right.partition || left.offset - right.offset);
}

/** A profile id with a shard of its own: uniform, as keyed hashes are. */
export function profileIdOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}

/** `{profile, id}` as an inlet record. */
export function inletEvent(profile: string, id: string, more: { partition?: number; [field: string]: unknown } = {}): OutRecord {
  const { partition, ...fields } = more;
  return {
    topic: inboundEvents.name,
    ...(partition === undefined ? {} : { partition }),
    key: Buffer.from(profile),
    value: Buffer.from(JSON.stringify({ profile, id, ...fields })),
  };
}

/** What a stage of these tests makes of an inlet record. */
export function toEntry(record: LogRecord): Entry {
  const { profile, id } = JSON.parse((record.value as Buffer).toString()) as { profile: string; id: string };
  return {
    kind: 'event', workspace: 'ws_test', profileId: profileIdOf(profile), type: 'track', name: 'Tested', messageId: id,
    timestampMs: record.timestampMs, appendedAtMs: record.timestampMs, source: record.partition, offset: record.offset,
    body: record.value as Buffer,
  };
}
