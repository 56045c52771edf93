import { randomUUID } from 'node:crypto';
import { type Admin, CompressionTypes, type Consumer, type EachBatchPayload, Kafka, logLevel, type KafkaMessage, type Producer } from 'kafkajs';
import {
  type ConsumeOptions, FETCH_BYTES_MAX, FETCH_WAIT_MS, HEARTBEAT_MS, type Log, type LogConfig, type LogConsumer, type LogProducer,
  SESSION_TIMEOUT_MS, type TailOptions, type TopicSpec,
} from './log.js';
import type { LogRecord, OutRecord } from './stage.js';

/** Connecting and electing take a while after a broker starts; a client that gives up in a second would flap. */
const RETRY = { initialRetryTime: 100, maxRetryTime: 2_000, retries: 12 };
const CONCURRENT_PARTITIONS_MAX = 256;
/** Below the broker's default for one batch, 1 MB. */
const REQUEST_BYTES_MAX = 786_432;
const RECORD_OVERHEAD_BYTES = 200;
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
    return new SerialProducer(producer, this.#prefix);
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
    if (missing.length === 0) return;
    await admin.createTopics({
      waitForLeaders: true,
      topics: missing.map((topic) => ({
        topic: this.#prefix + topic.name,
        numPartitions: topic.partitions,
        replicationFactor: topic.replicationFactor,
        configEntries: Object.entries(topic.config).map(([name, value]) => ({ name, value })),
      })),
    });
  }

  async offsets(topic: string): Promise<Map<number, { low: number; high: number }>> {
    const admin = await this.#connectAdmin();
    const partitions = await admin.fetchTopicOffsets(this.#prefix + topic);
    return new Map(partitions.map(({ partition, low, high }) => [partition, { low: Number(low), high: Number(high) }]));
  }

  async committed(group: string, topic: string): Promise<Map<number, number>> {
    const admin = await this.#connectAdmin();
    const [found] = await admin.fetchOffsets({ groupId: this.#prefix + group, topics: [this.#prefix + topic] });
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

/** One send at a time keeps the order in which batches were committed. */
class SerialProducer implements LogProducer {
  #last: Promise<unknown> = Promise.resolve();

  constructor(private readonly producer: Producer, private readonly prefix: string) {}

  send(records: readonly OutRecord[]): Promise<void> {
    const sent = this.#last.then(() => this.#send(records));
    this.#last = sent.catch(() => undefined);
    return sent;
  }

  /** The broker takes what goes to one partition in one request as one batch, and bounds its size. */
  async #send(records: readonly OutRecord[]): Promise<void> {
    let from = 0;
    let bytes = 0;
    for (let index = 0; index < records.length; index++) {
      const size = (records[index]?.value?.length ?? 0) + RECORD_OVERHEAD_BYTES;
      if (index > from && bytes + size > REQUEST_BYTES_MAX) {
        await this.#request(records.slice(from, index));
        from = index;
        bytes = 0;
      }
      bytes += size;
    }
    if (from < records.length) await this.#request(records.slice(from));
  }

  async #request(records: readonly OutRecord[]): Promise<void> {
    const byTopic = Map.groupBy(records, (record) => record.topic);
    await this.producer.sendBatch({
      acks: -1,
      compression: CompressionTypes.None,
      topicMessages: [...byTopic].map(([topic, messages]) => ({
        topic: this.prefix + topic,
        messages: messages.map(({ partition, key, value, headers }) => ({
          ...(partition === undefined ? {} : { partition }),
          key,
          value,
          ...(headers === undefined ? {} : { headers: { ...headers } }),
        })),
      })),
    });
  }
}

/** A consumer group membership: claims before reading, filters what is stale, waits while the stage is busy. */
class GroupReading implements LogConsumer {
  /** The next offset that we expect of each owned partition; replaced whole at every assignment. */
  #expected = new Map<number, number>();
  #ready: Promise<void> = Promise.resolve();
  #turnMs = Date.now();
  #stopped = false;

  constructor(private readonly consumer: Consumer, private readonly topic: string, private readonly options: ConsumeOptions) {}

  async start(): Promise<void> {
    const { consumer } = this;
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => this.#assign(payload.memberAssignment[this.topic] ?? []));
    consumer.on(consumer.events.FETCH, () => (this.#turnMs = Date.now()));
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
    this.#ready = this.options.onAssigned(partitions).then(
      (offsets) => {
        for (const partition of partitions) {
          const offset = offsets.get(partition);
          expected.set(partition, offset ?? 0);
          if (this.#expected === expected && offset !== undefined) this.#seekClient(partition, offset);
        }
      },
      (error: unknown) => this.options.onFatal(error instanceof Error ? error : new Error(String(error))),
    );
  }

  async #read({ batch, heartbeat, resolveOffset }: EachBatchPayload): Promise<void> {
    await this.#ready;
    const { partition } = batch;
    const expectedBy = this.#expected;
    const expected = expectedBy.get(partition);
    // A batch fetched before a rebalance or a seek; kafkajs hands it over all the same.
    if (expected === undefined || this.#stopped) return;
    const first = batch.messages[0];
    if (first === undefined) return;
    if (expected > 0 && Number(first.offset) > expected) {
      this.#seekClient(partition, expected);
      return;
    }
    const records = batch.messages.filter((message) => Number(message.offset) >= expected).map((message) => toRecord(this.options.topic, partition, message));
    const last = batch.messages[batch.messages.length - 1] as KafkaMessage;
    resolveOffset(last.offset);
    if (records.length === 0) return;
    expectedBy.set(partition, Number(last.offset) + 1);
    await keepAlive(this.options.onRecords(partition, records), heartbeat);
  }

  seek(partition: number, offset: number): void {
    if (!this.#expected.has(partition)) return;
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

/** The broker hears from us while a batch waits for room. A refused heartbeat means a rebalance: the batch ends. */
async function keepAlive(work: Promise<void>, heartbeat: () => Promise<void>): Promise<void> {
  const timer = setInterval(() => void heartbeat().catch(() => undefined), HEARTBEAT_MS);
  try {
    await work;
  } finally {
    clearInterval(timer);
  }
}

function startOf(from: TailOptions['from'], partition: number, low: number, high: number): number {
  if (from === 'start') return low;
  return from?.get(partition) ?? high;
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
