import { openLog, type Log } from '@tributary/stream/log';
import type { LogRecord } from '@tributary/stream/stage';
import type { ConsoleConfig } from './console.config.js';
import type { LiveSource, LiveTail } from './live-source.js';

/** What of the past has not arrived by then (retention may have taken it) is not waited for. */
const PAST_MS_MAX = 5_000;

/** The real log. It is opened when the first page looks, so an idle console holds no connection to the broker. */
export class KafkaLiveSource implements LiveSource {
  #log: Promise<Log> | null = null;

  constructor(private readonly config: ConsoleConfig) {}

  async tail(tail: LiveTail): Promise<{ stop(): Promise<void> }> {
    const log = await (this.#log ??= this.#open());
    const offsets = await log.offsets(tail.topic);
    const each = Math.ceil(tail.recentMax / Math.max(1, offsets.size));
    const from = new Map(Array.from(offsets, ([partition, { low, high }]) => [partition, Math.max(low, high - each)]));
    const past = new Past(tail, new Map(Array.from(offsets, ([partition, { high }]) => [partition, high])), from);
    const reading = await log.tail({ topic: tail.topic, from, onRecord: (record) => past.take(record) });
    await past.isOver;
    return reading;
  }

  async close(): Promise<void> {
    await (await this.#log?.catch(() => null))?.close();
  }

  #open(): Promise<Log> {
    const { KAFKA_BROKERS: brokers, KAFKA_CLIENT: client, TOPIC_PREFIX: prefix } = this.config;
    const opened = openLog({ brokers, client, prefix, clientId: 'console' });
    // A failure is not remembered: the next look tries again.
    opened.catch(() => (this.#log = null));
    return opened;
  }
}

/** Gathers what is older than the beginning of the tail from all partitions, and hands it over in the order of time. */
class Past {
  readonly isOver: Promise<void>;
  readonly #next: Map<number, number>;
  readonly #awaited: Set<number>;
  #past: LogRecord[] | null = [];
  #since: LogRecord[] = [];
  #end: () => void = () => undefined;

  constructor(
    private readonly tail: LiveTail,
    private readonly ends: ReadonlyMap<number, number>,
    from: ReadonlyMap<number, number>,
  ) {
    this.#next = new Map(from);
    this.#awaited = new Set([...ends].filter(([partition, end]) => (from.get(partition) ?? end) < end).map(([partition]) => partition));
    this.isOver = new Promise((resolve) => (this.#end = resolve));
    const timer = setTimeout(() => this.#handOver(), PAST_MS_MAX);
    void this.isOver.then(() => clearTimeout(timer));
    if (this.#awaited.size === 0) this.#handOver();
  }

  take(record: LogRecord): void {
    // While a client finds its place it may give records twice.
    if (record.offset < (this.#next.get(record.partition) ?? 0)) return;
    this.#next.set(record.partition, record.offset + 1);
    if (this.#past === null) return this.tail.onRecord(record);
    const end = this.ends.get(record.partition) ?? 0;
    if (record.offset < end) this.#past.push(record);
    else this.#since.push(record);
    if (record.offset >= end - 1) this.#awaited.delete(record.partition);
    if (this.#awaited.size === 0) this.#handOver();
  }

  #handOver(): void {
    if (this.#past === null) return;
    const [past, since] = [this.#past, this.#since];
    this.#past = null;
    this.#since = [];
    this.tail.onRecent(past.sort((left, right) => left.timestampMs - right.timestampMs));
    for (const record of since) this.tail.onRecord(record);
    this.#end();
  }
}
