import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
// Before kafkajs, which keeps what it finds.
import './kafkajs-crc.js';
import './kafkajs-encoder.js';
import { type Admin, CompressionTypes, Kafka, logLevel, type Message } from 'kafkajs';
import { GroupReading, toRecord } from './kafkajs-group.js';
import { calmRequestQueue } from './kafkajs-idle.js';
import {
  type ConsumeOptions, FETCH_BYTES_MAX, FETCH_WAIT_MS, HEARTBEAT_MS, type Log, type LogConfig, type LogConsumer, type LogProducer,
  SESSION_TIMEOUT_MS, type TailOptions, type TopicSpec,
} from './log.js';
import { SerialProducer } from './serial-producer.js';
import type { OutRecord } from './stage.js';

/** Connecting and electing take a while after a broker starts; a client that gives up in a second would flap. */
const RETRY = { initialRetryTime: 100, maxRetryTime: 2_000, retries: 12 };
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
