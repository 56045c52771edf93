import type { Consumer, EachBatchPayload, KafkaMessage } from 'kafkajs';
import { type ConsumeOptions, HEARTBEAT_MS, type LogConsumer } from './log.js';
import type { LogRecord } from './stage.js';

/** A stale batch or two are normal after a seek; more mean that the log does not have what we ask for. */
const ASTRAY_MAX = 4;
const CONCURRENT_PARTITIONS_MAX = 256;

/** A consumer group membership: claims before reading, leaves out what is stale, waits while the stage is busy. */
export class GroupReading implements LogConsumer {
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

export function toRecord(topic: string, partition: number, message: KafkaMessage): LogRecord {
  const headers: { [name: string]: string } = {};
  if (message.headers !== undefined) {
    for (const name in message.headers) {
      const value = message.headers[name];
      headers[name] = Array.isArray(value) ? String(value[0]) : String(value);
    }
  }
  return { topic, partition, offset: Number(message.offset), timestampMs: Number(message.timestamp), key: message.key, value: message.value, headers };
}
