import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
// Before kafkajs, which keeps what it finds.
import './kafkajs-crc.js';
import { type Admin, CompressionTypes, type Consumer, type EachBatchPayload, Kafka, logLevel, type KafkaMessage, type Message } from 'kafkajs';
import { calmRequestQueue } from './kafkajs-idle.js';
import {
  type ConsumeOptions, FETCH_BYTES_MAX, FETCH_WAIT_MS, HEARTBEAT_MS, type Log, type LogConfig, type LogConsumer, type LogProducer,
  SESSION_TIMEOUT_MS, type TailOptions, type TopicSpec,
} from './log.js';
import { SerialProducer } from './serial-producer.js';
import type { LogRecord, OutRecord } from './stage.js';

/** Connecting and electing take a while after a broker starts; a client that gives up in a second would flap. */
const RETRY = { initialRetryTime: 100, maxRetryTime: 2_000, retries: 12 };
const CONCURRENT_PARTITIONS_MAX = 256;
/** A stale batch or two are normal after a seek; more mean that the log does not have what we ask for. */
const ASTRAY_MAX = 4;
const PATIENCE_ATTEMPTS = 40;
const PATIENCE_MS = 250;
const RESTARTS_MAX = 20;
const RESTART_WINDOW_MS = 120_000;

/** The broker through kafkajs. Its traps and how each is made harmless: docs/adr/0003-kafka-client.md. */
export class KafkajsLog implements Log {
  readonly #kafka: Kafka;
  readonly #prefix: string;
  readonly #open: { disconnect(): Promise<void> }[] = [];
  #admin: Promise<Admin> | undefined;
  #producer: Promise<LogProducer> | undefined;

  constructor(config: LogConfig) {
    calmRequestQueue();
    this.#prefix = config.prefix ?? '';
    this.#kafka = new Kafka({
      clientId: config.clientId,
      brokers: [...config.brokers],
      retry: RETRY,
      // kafkajs logs what it retries as errors; what matters reaches us as exceptions and events.
      logLevel: logLevel.NOTHING,
    });
  }

  producer(): Promise<LogProducer> {
    return (this.#producer ??= this.#connectProducer());
  }

  async #connectProducer(): Promise<LogProducer> {
    const producer = this.#kafka.producer({ idempotent: false, allowAutoTopicCreation: false, retry: RETRY });
    await producer.connect();
    this.#open.push(producer);
    return new SerialProducer(async (records) => {
      const byTopic = Map.groupBy(records, (record) => record.topic);
      await producer.sendBatch({
        acks: -1,
        compression: CompressionTypes.None,
        topicMessages: [...byTopic].map(([topic, messages]) => ({ topic: this.#prefix + topic, messages: messages.map(toMessage) })),
      });
    });
  }

  async consume(options: ConsumeOptions): Promise<LogConsumer> {
    const consumer = this.#kafka.consumer({
      groupId: this.#prefix + options.group,
      sessionTimeout: SESSION_TIMEOUT_MS,
      rebalanceTimeout: SESSION_TIMEOUT_MS,
      heartbeatInterval: HEARTBEAT_MS,
      maxWaitTimeInMs: FETCH_WAIT_MS,
      maxBytes: FETCH_BYTES_MAX * 4,
      maxBytesPerPartition: FETCH_BYTES_MAX,
      allowAutoTopicCreation: false,
      retry: { ...RETRY, restartOnFailure: restartsWithin() },
    });
    const reading = new GroupReading(consumer, this.#prefix + options.topic, options);
    await reading.start();
    this.#open.push(reading);
    return reading;
  }

  async tail(options: TailOptions): Promise<{ stop(): Promise<void> }> {
    const topic = this.#prefix + options.topic;
    const offsets = await this.offsets(options.topic);
    // kafkajs has no reading without a group: a group of our own, forgotten by the broker when we leave.
    const consumer = this.#kafka.consumer({
      groupId: `${this.#prefix}tail-${randomUUID()}`,
      maxWaitTimeInMs: FETCH_WAIT_MS,
      allowAutoTopicCreation: false,
      retry: RETRY,
    });
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    const joined = new Promise<void>((resolve) => consumer.on(consumer.events.GROUP_JOIN, () => resolve()));
    const start = new Map([...offsets].map(([partition, { low, high }]) => [partition, startOf(options.from, partition, low, high)]));
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        for (const message of batch.messages) {
          if (Number(message.offset) < (start.get(batch.partition) ?? 0)) continue;
          options.onRecord(toRecord(options.topic, batch.partition, message));
        }
      },
    });
    await joined;
    for (const [partition, offset] of start) consumer.seek({ topic, partition, offset: String(offset) });
    this.#open.push(consumer);
    return { stop: () => consumer.disconnect() };
  }

  async ensureTopics(topics: readonly TopicSpec[]): Promise<void> {
    const admin = await this.#connectAdmin();
    const existing = new Set(await admin.listTopics());
    const missing = topics.filter((topic) => !existing.has(this.#prefix + topic.name));
    if (missing.length > 0) await admin.createTopics({
      // Waiting for leaders fails where the broker has not heard of its own new topic yet: `offsets` is more patient.
      waitForLeaders: false,
      topics: missing.map((topic) => ({
        topic: this.#prefix + topic.name,
        numPartitions: topic.partitions,
        replicationFactor: topic.replicationFactor,
        configEntries: Object.entries(topic.config).map(([name, value]) => ({ name, value })),
      })),
    });
    // The controller knows a new topic a moment before its leaders do.
    for (const { name } of missing) await this.offsets(name);
  }

  async offsets(topic: string): Promise<Map<number, { low: number; high: number }>> {
    const admin = await this.#connectAdmin();
    const partitions = await patiently(() => admin.fetchTopicOffsets(this.#prefix + topic));
    return new Map(partitions.map(({ partition, low, high }) => [partition, { low: Number(low), high: Number(high) }]));
  }

  async committed(group: string, topic: string): Promise<Map<number, number>> {
    const admin = await this.#connectAdmin();
    const [found] = await patiently(() => admin.fetchOffsets({ groupId: this.#prefix + group, topics: [this.#prefix + topic] }));
    const partitions = found?.partitions ?? [];
    return new Map(partitions.filter(({ offset }) => Number(offset) >= 0).map(({ partition, offset }) => [partition, Number(offset)]));
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#open.splice(0).map((part) => part.disconnect()));
  }

  #connectAdmin(): Promise<Admin> {
    return (this.#admin ??= (async () => {
      const admin = this.#kafka.admin({ retry: RETRY });
      await admin.connect();
      this.#open.push(admin);
      return admin;
    })());
  }
}

/** A consumer group membership: claims before reading, leaves out what is stale, waits while the stage is busy. */
class GroupReading implements LogConsumer {
  /** The next offset that we expect of each owned partition; replaced whole at every assignment. */
  #expected = new Map<number, number>();
  /** How often in a row the client read from elsewhere than asked. */
  readonly #astray = new Map<number, number>();
  #ready: Promise<void> = Promise.resolve();
  #turnMs = Date.now();
  #stopped = false;

  constructor(private readonly consumer: Consumer, private readonly topic: string, private readonly options: ConsumeOptions) {}

  async start(): Promise<void> {
    const { consumer } = this;
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => this.#assign(payload.memberAssignment[this.topic] ?? []));
    consumer.on(consumer.events.FETCH, () => (this.#turnMs = Date.now()));
    consumer.on(consumer.events.START_BATCH_PROCESS, ({ payload }) => this.#skipEmpty(payload));
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (!payload.restart && !this.#stopped) this.options.onFatal(payload.error);
    });
    await consumer.connect();
    await consumer.subscribe({ topics: [this.topic], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: CONCURRENT_PARTITIONS_MAX,
      eachBatch: (payload) => this.#read(payload),
    });
  }

  #assign(partitions: readonly number[]): void {
    const expected = new Map<number, number>();
    this.#expected = expected;
    this.#astray.clear();
    this.#ready = this.options.onAssigned(partitions).then(
      (offsets) => {
        if (this.#expected !== expected) return;
        for (const [partition, offset] of offsets) this.seek(partition, offset);
      },
      (error: unknown) => {
        if (!this.#stopped) this.options.onFatal(error instanceof Error ? error : new Error(String(error)));
      },
    );
  }

  async #read({ batch, heartbeat, resolveOffset }: EachBatchPayload): Promise<void> {
    await this.#alive(this.#ready, heartbeat);
    const { partition } = batch;
    const owned = this.#expected;
    const expected = owned.get(partition);
    if (expected === undefined || this.#stopped) return;
    if (Number((batch as { fetchedOffset?: string }).fetchedOffset) !== expected) {
      this.#returnTo(partition, expected);
      return;
    }
    this.#astray.delete(partition);
    const last = batch.messages[batch.messages.length - 1];
    if (last === undefined) return;
    resolveOffset(last.offset);
    // Behind the last message there may be a transaction mark, which kafkajs passes by itself.
    owned.set(partition, Number(batch.lastOffset()) + 1);
    await this.#alive(this.options.onRecords(partition, batch.messages.map((message) => toRecord(this.options.topic, partition, message))), heartbeat);
  }

  /**
   * kafkajs hands over batches that it fetched before a rebalance or a seek: read again from where we stand. It also goes
   * to the first record by itself when the broker does not have the offset, which would skip or repeat silently.
   */
  #returnTo(partition: number, expected: number): void {
    const times = (this.#astray.get(partition) ?? 0) + 1;
    this.#astray.set(partition, times);
    if (times > ASTRAY_MAX) this.options.onFatal(new Error(`${this.topic}/${partition} has no offset ${expected}: records were lost, or the topic is another one. See docs/runbook.md, "The log and the database disagree".`));
    else this.#seekClient(partition, expected);
  }

  /** A batch of nothing but transaction marks or aborted records is passed by kafkajs without telling us otherwise. */
  #skipEmpty({ partition, batchSize, firstOffset, lastOffset }: { partition: number; batchSize: number; firstOffset: string; lastOffset: string }): void {
    if (batchSize === 0 && firstOffset !== null && this.#expected.get(partition) === Number(firstOffset)) this.#expected.set(partition, Number(lastOffset) + 1);
  }

  /** The broker hears from us while a batch waits for room. A refused heartbeat means a rebalance: the wait ends. */
  async #alive(work: Promise<void>, heartbeat: () => Promise<void>): Promise<void> {
    let refuse: () => void = () => undefined;
    const refused = new Promise<void>((resolve) => (refuse = resolve));
    const timer = setInterval(() => {
      this.#turnMs = Date.now();
      heartbeat().catch(refuse);
    }, HEARTBEAT_MS);
    try {
      await Promise.race([work, refused]);
    } finally {
      clearInterval(timer);
    }
  }

  seek(partition: number, offset: number): void {
    this.#expected.set(partition, offset);
    this.#seekClient(partition, offset);
  }

  #seekClient(partition: number, offset: number): void {
    this.consumer.seek({ topic: this.topic, partition, offset: String(offset) });
  }

  async commit(offsets: ReadonlyMap<number, number>): Promise<void> {
    await this.consumer.commitOffsets([...offsets].map(([partition, offset]) => ({ topic: this.topic, partition, offset: String(offset) })));
  }

  lastTurnMs(): number {
    return this.#turnMs;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.consumer.disconnect();
  }

  disconnect(): Promise<void> {
    return this.stop();
  }
}

/** Right after a broker has come up or a topic was made, leaders and coordinators are still being found: kafkajs gives up too early. */
async function patiently<Result>(ask: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      if (attempt >= PATIENCE_ATTEMPTS || !(error instanceof Error && error.name.startsWith('KafkaJS'))) throw error;
      await sleep(PATIENCE_MS);
    }
  }
}

/** A client may come back from a passing fault by itself; one that keeps failing must not hide it by restarting for ever. */
function restartsWithin(): () => Promise<boolean> {
  const restarts: number[] = [];
  return async () => {
    const now = Date.now();
    while ((restarts[0] ?? now) < now - RESTART_WINDOW_MS) restarts.shift();
    restarts.push(now);
    return restarts.length <= RESTARTS_MAX;
  };
}

function startOf(from: TailOptions['from'], partition: number, low: number, high: number): number {
  if (from === 'start') return low;
  return from?.get(partition) ?? high;
}

function toMessage({ partition, key, value, headers }: OutRecord): Message {
  return { ...(partition === undefined ? {} : { partition }), key, value, ...(headers === undefined ? {} : { headers: { ...headers } }) };
}

function toRecord(topic: string, partition: number, message: KafkaMessage): LogRecord {
  const headers: { [name: string]: string } = {};
  if (message.headers !== undefined) {
    for (const name in message.headers) {
      const value = message.headers[name];
      headers[name] = Array.isArray(value) ? String(value[0]) : String(value);
    }
  }
  return { topic, partition, offset: Number(message.offset), timestampMs: Number(message.timestamp), key: message.key, value: message.value, headers };
}
