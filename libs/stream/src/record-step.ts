import type { Entry, Position } from '@tributary/contracts/entry';
import { partitionOf } from '@tributary/contracts/shard';
import { inboundEvents } from '@tributary/contracts/topics/inbound-events';
import type { Batch, Flow, Probe, Step } from './batch.js';
import type { Clock } from './clock.js';
import { parkRecord, POISON } from './park.js';
import type { Progress } from './progress.js';
import type { Decision, LogRecord, RecordStage } from './stage.js';
import { isTick } from './ticker.js';
import { isTransient } from './transient.js';

/**
 * One inlet record brings at most this many entries; their offsets lie between the record's own. An event of 26 identifiers
 * that ties as many profiles brings 51: each loser and the survivor hear of it, and the event comes. Must never shrink:
 * stored positions are counted in it.
 */
const SIBLINGS_MAX = 64;
/** While nothing comes in, time still passes: how fresh an idle system's answers are. */
const IDLE_TICK_MS = 1_000;
/** How long partitions may lag behind the newest entry before a tick asks: at once when idle, else traffic may do it. */
const LAG_MS = 3;
const BUSY_LAG_MS = 15;
const BUSY_RECORDS = 16;

/** A stage at the front: plain records in, entries out, spread over the partitions of profiles. */
export class RecordStep implements Step {
  #progress = new Map<number, Progress>();
  #next = new Map<number, Progress>();
  /** Append time of the newest record that was no tick. */
  #newestWorkMs = -Infinity;
  /** What is forwarded up to this append time waits, behind, until every partition has passed it. */
  #laggingMs = -Infinity;
  #askMs = -Infinity;
  #inputMs: number;
  #busy = false;

  constructor(readonly stage: RecordStage, private readonly options: { readonly partitions: number; readonly probe: Probe; readonly clock: Clock }) {
    this.#inputMs = options.clock.nowMs();
  }

  async assign(progress: ReadonlyMap<number, Progress>): Promise<void> {
    this.#progress = new Map(progress);
    this.#next = this.#progress;
    this.stage.reset?.();
  }

  async run(batch: Batch): Promise<void> {
    const records = this.#inAppendOrder(batch.records);
    const work = records.filter((record) => !isTick(record));
    const decision = work.length === 0 ? { endings: [] } : await this.#decide(work, batch.narrow);
    if (decision.endings.length !== work.length) throw new Error(`${this.stage.name} decided ${decision.endings.length} of ${work.length} records`);
    const entries = this.#settleEndings(work, decision, batch);
    batch.writes.push(...(decision.writes ?? []));
    batch.out.push(...(decision.records ?? []));
    if (decision.afterCommit !== undefined) batch.afterCommit.push(decision.afterCommit);
    this.#advance(records, batch);
    if (this.stage.writes !== undefined) batch.flows = this.#spread(entries);
    this.#note(records, work);
  }

  /** Alone, a record that cannot be decided or stored is set aside instead of stopping the partition. */
  async #decide(work: readonly LogRecord[], narrow: boolean): Promise<Decision> {
    if (!narrow) return this.stage.decide(work);
    try {
      const decision = await this.stage.decide(work);
      await this.options.probe(decision.writes ?? []);
      return decision;
    } catch (error) {
      if (work.length > 1 || isTransient(error)) throw error;
      return { endings: [{ ending: 'park', reason: POISON }] };
    }
  }

  /** Append times never go back within a partition, whatever the broker's clock did. */
  #inAppendOrder(records: readonly LogRecord[]): LogRecord[] {
    const lastMs = new Map([...this.#progress].map(([partition, progress]) => [partition, progress.positions.get(partition)?.timeMs ?? 0]));
    const monotone = records.map((record) => {
      const timestampMs = Math.max(record.timestampMs, lastMs.get(record.partition) ?? 0);
      lastMs.set(record.partition, timestampMs);
      return timestampMs === record.timestampMs ? record : { ...record, timestampMs };
    });
    return monotone.sort((left, right) => left.timestampMs - right.timestampMs || left.partition - right.partition || left.offset - right.offset);
  }

  #settleEndings(work: readonly LogRecord[], decision: Decision, batch: Batch): Entry[] {
    const entries: Entry[] = [];
    const { name } = this.stage;
    decision.endings.forEach((ending, index) => {
      const record = work[index] as LogRecord;
      if (ending.ending === 'forward') {
        if (ending.entries.length > SIBLINGS_MAX) throw new Error(`${name} made ${ending.entries.length} entries of one record`);
        ending.entries.forEach((entry, sibling) => entries.push({ ...entry, source: record.partition, offset: record.offset * SIBLINGS_MAX + sibling }));
        batch.count(name, 'forward', '');
      } else {
        if (ending.ending === 'park') batch.out.push(parkRecord(name, ending.reason, record));
        batch.count(name, ending.ending, ending.reason);
      }
    });
    return entries;
  }

  #advance(records: readonly LogRecord[], batch: Batch): void {
    this.#next = new Map(this.#progress);
    for (const { partition, offset, timestampMs } of records) {
      const next = this.#next.get(partition) as Progress;
      const nextOffset = Math.max(offset + 1, next.nextOffset ?? 0);
      const position: Position = { offset: nextOffset * SIBLINGS_MAX - 1, timeMs: Math.max(timestampMs, next.positions.get(partition)?.timeMs ?? 0) };
      this.#next.set(partition, { ...next, nextOffset, positions: new Map([[partition, position]]) });
    }
    for (const [partition, to] of this.#next) {
      const from = this.#progress.get(partition) as Progress;
      if (to !== from) batch.advances.push({ stage: this.stage.name, from, to, watermarkMs: null });
    }
  }

  /** Every partition learns how far the inlet has been forwarded, also those that get no entry. */
  #spread(entries: readonly Entry[]): Flow[] {
    const byPartition: Entry[][] = Array.from({ length: this.options.partitions }, () => []);
    for (const entry of entries) (byPartition[partitionOf(entry.profileId, this.options.partitions)] as Entry[]).push(entry);
    const positions = new Map([...this.#next.values()].flatMap((progress) => [...progress.positions]));
    return byPartition.map((part, partition) => ({ partition, parts: [{ entries: part, positions, recordOffset: null }] }));
  }

  settled(): void {
    this.#progress = this.#next;
  }

  #note(records: readonly LogRecord[], work: readonly LogRecord[]): void {
    if (records.length > 0) this.#inputMs = this.options.clock.nowMs();
    this.#busy = work.length >= BUSY_RECORDS;
    this.#newestWorkMs = Math.max(this.#newestWorkMs, work[work.length - 1]?.timestampMs ?? -Infinity);
  }

  /** Entries from one inlet partition wait, behind, until the others have passed their instant too. */
  needsTimeMs(): number | null {
    if (this.stage.reads.name !== inboundEvents.name || this.#progress.size === 0) return null;
    let forwardedMs = Infinity;
    for (const [partition, { positions }] of this.#progress) forwardedMs = Math.min(forwardedMs, positions.get(partition)?.timeMs ?? -Infinity);
    if (forwardedMs > this.#laggingMs && this.#newestWorkMs > this.#laggingMs) {
      this.#laggingMs = this.#newestWorkMs;
      this.#askMs = Math.max(this.#laggingMs, this.options.clock.nowMs() + (this.#busy ? BUSY_LAG_MS : LAG_MS) - 1);
    }
    return forwardedMs > this.#laggingMs ? this.#inputMs + IDLE_TICK_MS : this.#askMs;
  }
}
