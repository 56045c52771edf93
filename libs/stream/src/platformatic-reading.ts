import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer, RecordsBatch } from '@platformatic/kafka';
import { type ConsumeOptions, FETCH_BYTES_MAX, FETCH_WAIT_MS, HEARTBEAT_MS } from './log.js';
import type { LogRecord } from './stage.js';

export const RETRY_DELAY_MS = 500;
/** Reading that fails for this long is reported: a supervisor starts the process afresh. */
export const FAILING_MS_MAX = 60_000;

/** Bits of a record batch's attributes. */
const IS_LOG_APPEND_TIME = 0x08;
const IS_CONTROL = 0x20;

type FetchResponse = Awaited<ReturnType<Consumer['fetch']>>;

/** Reads partitions from given places, one fetch at a time from each broker; the next when the last has been taken. */
export class PartitionReading {
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
