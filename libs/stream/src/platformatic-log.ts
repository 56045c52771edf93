import { Admin, compatibilityPartitioner, Consumer, ListOffsetTimestamps, type MessageToProduce, Producer } from '@platformatic/kafka';
import {
  type ConsumeOptions, FETCH_BYTES_MAX, FETCH_WAIT_MS, HEARTBEAT_MS, type Log, type LogConfig, type LogConsumer, type LogProducer,
  SESSION_TIMEOUT_MS, type TailOptions, type TopicSpec,
} from './log.js';
import { FAILING_MS_MAX, PartitionReading, RETRY_DELAY_MS } from './platformatic-reading.js';
import { SerialProducer } from './serial-producer.js';
import type { OutRecord } from './stage.js';

const REQUEST_TIMEOUT_MS = 30_000;
const RETRIES = 10;
/**
 * The broker through @platformatic/kafka. Of its consumer only the group and single fetches are used: its streams hide
 * when partitions move, cannot seek, and give the producer's time where the topic says LogAppendTime. A fetch gives whole
 * record batches, which know better.
 */
export class PlatformaticLog implements Log {
  readonly #base: { clientId: string; bootstrapBrokers: string[]; retries: number; retryDelay: number; timeout: number; autocreateTopics: false };
  readonly #prefix: string;
  readonly #open: { close(): Promise<unknown> }[] = [];
  #admin: Admin | undefined;
  #producer: Promise<LogProducer> | undefined;

  constructor(config: LogConfig) {
    this.#prefix = config.prefix ?? '';
    this.#base = { clientId: config.clientId, bootstrapBrokers: [...config.brokers], retries: RETRIES, retryDelay: RETRY_DELAY_MS, timeout: REQUEST_TIMEOUT_MS, autocreateTopics: false };
  }

  producer(): Promise<LogProducer> {
    return (this.#producer ??= this.#connectProducer());
  }

  async #connectProducer(): Promise<LogProducer> {
    const producer = this.#kept(new Producer<Buffer, Buffer, Buffer, Buffer>({ ...this.#base, autocreateTopics: false }));
    let keyless = 0;
    return new SerialProducer(async (records) => {
      await producer.send({
        acks: -1,
        messages: records.map((record) => this.#toMessage(record)),
        // As the Java client does it, and kafkajs: one key has one partition, whoever writes.
        partitioner: (message, key) => (key === undefined ? keyless++ : compatibilityPartitioner(message, key)),
      });
    });
  }

  #toMessage({ topic, partition, key, value, headers }: OutRecord): MessageToProduce<Buffer, Buffer, Buffer, Buffer> {
    return {
      topic: this.#prefix + topic,
      ...(partition === undefined ? {} : { partition }),
      ...(key === null ? {} : { key }),
      value: value as Buffer,
      ...(headers === undefined ? {} : { headers: new Map(Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)])) }),
    };
  }

  async consume(options: ConsumeOptions): Promise<LogConsumer> {
    const topic = this.#prefix + options.topic;
    const group = this.#kept(this.#consumer(this.#prefix + options.group));
    const reading = new GroupReading(group, new PartitionReading(this.#kept(this.#consumer(`${topic}-reading`)), topic, options), topic, options);
    await reading.start();
    this.#open.push({ close: () => reading.stop() });
    return reading;
  }

  async tail(options: TailOptions): Promise<{ stop(): Promise<void> }> {
    const topic = this.#prefix + options.topic;
    const client = this.#kept(this.#consumer(`${topic}-tail`));
    const reading = new PartitionReading(client, topic, {
      topic: options.topic,
      onRecords: async (_, records) => records.forEach((record) => options.onRecord(record)),
      onFatal: () => undefined,
    });
    const { from } = options;
    reading.start(new Map([...(await this.offsets(options.topic))].map(([partition, { low, high }]) => [partition, from === 'start' ? low : (from?.get(partition) ?? high)])));
    const stop = async () => {
      reading.stop();
      await client.close(true).catch(() => undefined);
    };
    this.#open.push({ close: stop });
    return { stop };
  }

  async ensureTopics(topics: readonly TopicSpec[]): Promise<void> {
    const admin = this.#connectAdmin();
    const existing = new Set(await admin.listTopics());
    for (const { name, partitions, replicationFactor, config } of topics.filter((topic) => !existing.has(this.#prefix + topic.name))) {
      await admin.createTopics({ topics: [this.#prefix + name], partitions, replicas: replicationFactor, configs: Object.entries(config).map(([key, value]) => ({ name: key, value })) });
      // The controller knows a new topic a moment before its leaders do.
      await this.offsets(name);
    }
  }

  async offsets(topic: string): Promise<Map<number, { low: number; high: number }>> {
    const name = this.#prefix + topic;
    const admin = this.#connectAdmin();
    const partitions = (await admin.metadata({ topics: [name] })).topics.get(name)?.partitions ?? [];
    const ask = async (timestamp: bigint) => {
      const [found] = await admin.listOffsets({ topics: [{ name, partitions: partitions.map((_, partitionIndex) => ({ partitionIndex, timestamp })) }] });
      return new Map((found?.partitions ?? []).map(({ partitionIndex, offset }) => [partitionIndex, Number(offset)]));
    };
    const [low, high] = await Promise.all([ask(ListOffsetTimestamps.EARLIEST), ask(ListOffsetTimestamps.LATEST)]);
    return new Map(partitions.map((_, partition) => [partition, { low: low.get(partition) ?? 0, high: high.get(partition) ?? 0 }]));
  }

  async committed(group: string, topic: string): Promise<Map<number, number>> {
    const [found] = await this.#connectAdmin().listConsumerGroupOffsets({ groups: [this.#prefix + group] });
    const partitions = found?.topics.find(({ name }) => name === this.#prefix + topic)?.partitions ?? [];
    return new Map(partitions.filter(({ committedOffset }) => committedOffset >= 0n).map(({ partitionIndex, committedOffset }) => [partitionIndex, Number(committedOffset)]));
  }

  async close(): Promise<void> {
    for (const part of this.#open.splice(0).reverse()) await part.close().catch(() => undefined);
  }

  #connectAdmin(): Admin {
    return (this.#admin ??= this.#kept(new Admin(this.#base)));
  }

  #consumer(groupId: string): Consumer {
    return new Consumer({
      ...this.#base,
      groupId,
      sessionTimeout: SESSION_TIMEOUT_MS,
      rebalanceTimeout: SESSION_TIMEOUT_MS,
      heartbeatInterval: HEARTBEAT_MS,
      heartbeatStallTimeout: FAILING_MS_MAX,
      maxWaitTime: FETCH_WAIT_MS,
      maxBytes: 4 * FETCH_BYTES_MAX,
    });
  }

  #kept<Client extends Admin | Producer | Consumer>(client: Client): Client {
    this.#open.push({ close: () => (client instanceof Admin ? client.close() : client.close(true)) });
    return client;
  }
}

/** A consumer group membership: claims before reading, starts anew whenever the group has spoken. */
class GroupReading implements LogConsumer {
  #assignment = 0;
  #stopped = false;

  constructor(private readonly group: Consumer, private readonly reading: PartitionReading, private readonly topic: string, private readonly options: ConsumeOptions) {}

  async start(): Promise<void> {
    const { group } = this;
    group.topics.track(this.topic);
    group.on('consumer:group:rebalance', () => this.reading.stop());
    group.on('consumer:group:join', ({ assignments }) => void this.#assign(assignments?.find(({ topic }) => topic === this.topic)?.partitions ?? []));
    group.on('consumer:heartbeat:stalled', ({ lastError }) => this.#fail(lastError ?? new Error('the group coordinator has not answered a heartbeat for too long')));
    // Emitted when joining the group again has failed for good.
    (group as unknown as { on(event: 'error', listener: (error: Error) => void): void }).on('error', (error) => this.#fail(error));
    await group.joinGroup({});
  }

  async #assign(partitions: readonly number[]): Promise<void> {
    const assignment = ++this.#assignment;
    this.reading.stop();
    try {
      const offsets = await this.options.onAssigned(partitions);
      if (assignment === this.#assignment && !this.#stopped) this.reading.start(offsets);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (!this.#stopped) this.options.onFatal(error instanceof Error ? error : new Error(String(error)));
  }

  seek(partition: number, offset: number): void {
    this.reading.seek(partition, offset);
  }

  async commit(offsets: ReadonlyMap<number, number>): Promise<void> {
    await this.group.commit({ offsets: Array.from(offsets, ([partition, offset]) => ({ topic: this.topic, partition, offset: BigInt(offset), leaderEpoch: -1 })) });
  }

  lastTurnMs(): number {
    return this.reading.turnMs;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.reading.stop();
    await this.group.close(true).catch(() => undefined);
  }
}
