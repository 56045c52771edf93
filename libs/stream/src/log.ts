import type { LogRecord, OutRecord } from './stage.js';

/**
 * The one port to the broker. Two adapters pass the same tests: kafkajs (default) and platformatic
 * (`KAFKA_CLIENT=platformatic`). Nothing here is trusted for correctness: offsets live in PostgreSQL, and the fence
 * there makes every surprise of a client (stale batches after a rebalance, repeated or missing callbacks) harmless.
 */
export interface Log {
  /** One in flight at a time; resolves once all replicas have the records. */
  producer(): Promise<LogProducer>;
  /** Joins a consumer group on one topic. */
  consume(options: ConsumeOptions): Promise<LogConsumer>;
  /** Reads all partitions from given offsets (default: the end) without a group, e.g. for live views. */
  tail(options: TailOptions): Promise<{ stop(): Promise<void> }>;
  /** Creates what is missing. Existing topics keep their partitions. */
  ensureTopics(topics: readonly TopicSpec[]): Promise<void>;
  /** First and next offset of every partition. */
  offsets(topic: string): Promise<Map<number, { low: number; high: number }>>;
  /** The group's committed offsets; partitions without one are left out. */
  committed(group: string, topic: string): Promise<Map<number, number>>;
  close(): Promise<void>;
}

export interface LogProducer {
  send(records: readonly OutRecord[]): Promise<void>;
}

export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly config: { readonly [key: string]: string };
}

export interface ConsumeOptions {
  readonly group: string;
  readonly topic: string;
  /**
   * The group gave us these partitions (all that we own now). Answers where to read each from; a partition left out is
   * not read. Records come only after this has resolved.
   */
  onAssigned(partitions: readonly number[]): Promise<ReadonlyMap<number, number>>;
  /**
   * Records of one partition in offset order, each once for every assignment and seek; offsets have gaps where the
   * broker keeps transaction marks. Reading on waits until this resolves: that is the backpressure.
   */
  onRecords(partition: number, records: readonly LogRecord[]): Promise<void>;
  /** The client cannot go on: the process must end. */
  onFatal(error: Error): void;
}

export interface LogConsumer {
  /** Re-reads from an offset, after a failed batch. */
  seek(partition: number, offset: number): void;
  /** For lag tools, and for stateless stages where to start. */
  commit(offsets: ReadonlyMap<number, number>): Promise<void>;
  /** When the poll loop last turned, epoch ms. */
  lastTurnMs(): number;
  stop(): Promise<void>;
}

export interface TailOptions {
  readonly topic: string;
  readonly from?: ReadonlyMap<number, number> | 'start';
  onRecord(record: LogRecord): void;
}

export interface LogConfig {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly client: 'kafkajs' | 'platformatic';
  /** Set before every topic and group name. */
  readonly prefix?: string;
}

/** Opens the broker through the adapter that the configuration names. */
export async function openLog(config: LogConfig): Promise<Log> {
  if (config.client === 'platformatic') {
    const { PlatformaticLog } = await import('./platformatic-log.js');
    return new PlatformaticLog(config);
  }
  const { KafkajsLog } = await import('./kafkajs-log.js');
  return new KafkajsLog(config);
}

export const SESSION_TIMEOUT_MS = 8_000;
export const HEARTBEAT_MS = 1_000;
/** An idle fetch waits this long at the broker: nothing spins. */
export const FETCH_WAIT_MS = 1_000;
export const FETCH_BYTES_MAX = 4_194_304;
