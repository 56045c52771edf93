import { setTimeout as sleep } from 'node:timers/promises';
import { Admin, compatibilityPartitioner, Consumer, ListOffsetTimestamps, type MessageToProduce, Producer, type RecordsBatch } from '@platformatic/kafka';
import {
  type ConsumeOptions, FETCH_BYTES_MAX, FETCH_WAIT_MS, HEARTBEAT_MS, type Log, type LogConfig, type LogConsumer, type LogProducer,
  SESSION_TIMEOUT_MS, type TailOptions, type TopicSpec,
} from './log.js';
import { SerialProducer } from './serial-producer.js';
import type { LogRecord, OutRecord } from './stage.js';

const REQUEST_TIMEOUT_MS = 30_000;
const RETRIES = 10;
const RETRY_DELAY_MS = 500;
/** Reading that fails for this long is reported: a supervisor starts the process afresh. */
const FAILING_MS_MAX = 60_000;
type FetchResponse = Awaited<ReturnType<Consumer['fetch']>>;

/** Bits of a record batch's attributes. */
const IS_LOG_APPEND_TIME = 0x08;
const IS_CONTROL = 0x20;

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

/** Reads partitions from given places, one fetch at a time from each broker; the next when the last has been taken. */
class PartitionReading {
  /** Next offset of each partition read; replaced whole at every start. */
  #next = new Map<number, number>();
  #loops = new Set<number>();
  turnMs = Date.now();
  #failingSinceMs: number | null = null;

  constructor(private readonly client: Consumer, private readonly topic: string, private readonly to: Pick<ConsumeOptions, 'topic' | 'onRecords' | 'onFatal'>) {
    client.topics.track(topic);
  }

  start(offsets: ReadonlyMap<number, number>): void {
    this.#next = new Map(offsets);
    this.#loops = new Set();
    this.#failingSinceMs = null;
    if (offsets.size > 0) void this.#readAll(this.#next);
  }

  stop(): void {
    this.#next = new Map();
  }

  seek(partition: number, offset: number): void {
    if (this.#next.has(partition)) this.#next.set(partition, offset);
  }

  /** A loop for each broker, also for one that joins the cluster later. */
  async #readAll(reads: Map<number, number>): Promise<void> {
    const loops = this.#loops;
    while (reads === this.#next) {
      const metadata = await this.client.metadata({ topics: [this.topic] }).catch((error: unknown) => void this.#failed(error));
      for (const node of metadata?.brokers.keys() ?? []) {
        if (loops.has(node)) continue;
        loops.add(node);
        void this.#readFrom(node, reads);
      }
      await sleep(FETCH_WAIT_MS, undefined, { ref: false });
    }
  }

  async #readFrom(node: number, reads: Map<number, number>): Promise<void> {
    while (reads === this.#next) {
      try {
        const metadata = await this.client.metadata({ topics: [this.topic] });
        const topic = metadata.topics.get(this.topic);
        const asked = new Map([...reads].filter(([partition]) => topic?.partitions[partition]?.leader === node));
        if (topic === undefined || asked.size === 0) {
          await sleep(RETRY_DELAY_MS);
          continue;
        }
        const partitions = Array.from(asked, ([partition, offset]) => ({ partition, fetchOffset: BigInt(offset), currentLeaderEpoch: -1, lastFetchedEpoch: -1, partitionMaxBytes: FETCH_BYTES_MAX }));
        const response = await this.client.fetch({ node, topics: [{ topicId: topic.id, partitions }] });
        this.turnMs = Date.now();
        this.#failingSinceMs = null;
        if (reads === this.#next) await this.#handOver(response, asked, reads);
      } catch (error) {
        if (reads !== this.#next) return;
        this.#failed(error);
        await sleep(RETRY_DELAY_MS);
      }
    }
  }

  async #handOver(response: FetchResponse, asked: ReadonlyMap<number, number>, reads: Map<number, number>): Promise<void> {
    const handed: Promise<void>[] = [];
    for (const { partitionIndex, records: batches } of response.responses.flatMap(({ partitions }) => partitions)) {
      const from = asked.get(partitionIndex);
      const last = batches?.[batches.length - 1];
      // Somebody has sought elsewhere in the meantime: what was fetched is stale.
      if (from === undefined || last === undefined || reads.get(partitionIndex) !== from) continue;
      const next = Number(last.firstOffset) + last.lastOffsetDelta + 1;
      if (next <= from) continue;
      reads.set(partitionIndex, next);
      const records = (batches ?? []).flatMap((batch) => toRecords(this.to.topic, partitionIndex, batch, from));
      if (records.length > 0) handed.push(this.to.onRecords(partitionIndex, records));
    }
    const waiting = setInterval(() => (this.turnMs = Date.now()), HEARTBEAT_MS);
    await Promise.all(handed).finally(() => clearInterval(waiting));
  }

  #failed(error: unknown): void {
    if (/OFFSET_OUT_OF_RANGE|offset is not within the range/i.test(textOf(error))) {
      this.to.onFatal(new Error(`${this.topic} has not the offsets asked for: records were lost, or the topic is another one. See docs/runbook.md, "The log and the database disagree".`));
      return;
    }
    this.#failingSinceMs ??= Date.now();
    if (Date.now() - this.#failingSinceMs > FAILING_MS_MAX) this.to.onFatal(error instanceof Error ? error : new Error(String(error)));
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

function toRecords(topic: string, partition: number, batch: RecordsBatch, from: number): LogRecord[] {
  if ((batch.attributes & IS_CONTROL) !== 0) return [];
  const appendedMs = (batch.attributes & IS_LOG_APPEND_TIME) !== 0 ? Number(batch.maxTimestamp) : null;
  const records: LogRecord[] = [];
  for (const { offsetDelta, timestampDelta, key, value, headers } of batch.records) {
    const offset = Number(batch.firstOffset) + offsetDelta;
    if (offset < from) continue;
    const named = Object.fromEntries(headers.map(([name, text]) => [String(name), String(text ?? '')]));
    records.push({ topic, partition, offset, timestampMs: appendedMs ?? Number(batch.firstTimestamp + timestampDelta), key, value, headers: named });
  }
  return records;
}

/** The messages of an error and of those inside it. */
function textOf(error: unknown): string {
  const { message, errors, apiId } = (error ?? {}) as { message?: string; errors?: unknown[]; apiId?: string };
  return [apiId ?? '', message ?? '', ...(errors ?? []).map(textOf)].join(' ');
}
