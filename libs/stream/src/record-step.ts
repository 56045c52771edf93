import type { Entry, Position } from '@tributary/contracts/entry';
import { partitionOf } from '@tributary/contracts/shard';
import { type Batch, isTransient, parkRecord, type Step, type StepObserver } from './batch.js';
import type { Progress } from './progress.js';
import type { Decision, LogRecord, RecordStage } from './stage.js';
import { isTick } from './ticker.js';

/** One inlet record brings at most this many entries; their offsets lie between the record's own. */
const SIBLINGS_MAX = 8;

/** A stage at the front: plain records in, entries out, spread over the partitions of profiles. */
export class RecordStep implements Step {
  #progress = new Map<number, Progress>();
  #next = new Map<number, Progress>();
  /** Append time of the newest record that was no tick. */
  newestWorkMs = -Infinity;

  constructor(readonly stage: RecordStage, private readonly partitions: number, private readonly observer: StepObserver) {}

  async assign(progress: ReadonlyMap<number, Progress>): Promise<void> {
    this.#progress = new Map(progress);
    this.stage.reset?.();
  }

  async run(batch: Batch): Promise<void> {
    const records = this.#inAppendOrder(batch.records);
    const work = records.filter((record) => !isTick(record));
    const decision = work.length === 0 ? { endings: [] } : await this.#decide(work, batch.narrow);
    if (decision.endings.length !== work.length) throw new Error(`${this.stage.name} decided ${decision.endings.length} of ${work.length} records`);
    this.newestWorkMs = Math.max(this.newestWorkMs, work[work.length - 1]?.timestampMs ?? -Infinity);
    const entries = this.#settleEndings(work, decision, batch);
    batch.writes.push(...(decision.writes ?? []));
    batch.out.push(...(decision.records ?? []));
    if (decision.afterCommit !== undefined) batch.afterCommit.push(decision.afterCommit);
    this.#advance(records, batch);
    if (this.stage.writes !== undefined) batch.flows = this.#spread(entries);
  }

  /** Alone, a record that cannot be decided is set aside instead of stopping the partition. */
  async #decide(work: readonly LogRecord[], narrow: boolean): Promise<Decision> {
    try {
      return await this.stage.decide(work);
    } catch (error) {
      if (!narrow || work.length > 1 || isTransient(error)) throw error;
      return { endings: [{ ending: 'park', reason: 'poison' }] };
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
        this.observer.ending(name, 'forward', '', 1);
      } else {
        if (ending.ending === 'park') batch.out.push(parkRecord(name, ending.reason, record));
        this.observer.ending(name, ending.ending, ending.reason, 1);
      }
    });
    return entries;
  }

  #advance(records: readonly LogRecord[], batch: Batch): void {
    this.#next = new Map(this.#progress);
    for (const { partition, offset, timestampMs } of records) {
      const from = this.#progress.get(partition) as Progress;
      const next = this.#next.get(partition) as Progress;
      const nextOffset = Math.max(offset + 1, next.nextOffset ?? 0);
      const position: Position = { offset: nextOffset * SIBLINGS_MAX - 1, timeMs: Math.max(timestampMs, next.positions.get(partition)?.timeMs ?? 0) };
      this.#next.set(partition, { ...from, nextOffset, positions: new Map([[partition, position]]) });
    }
    for (const [partition, to] of this.#next) {
      const from = this.#progress.get(partition) as Progress;
      if (to !== from) batch.advances.push({ stage: this.stage.name, from, to });
    }
  }

  /** Every partition learns how far the inlet has been forwarded, also those that get no entry. */
  #spread(entries: readonly Entry[]): Batch['flows'] {
    const byPartition: Entry[][] = Array.from({ length: this.partitions }, () => []);
    for (const entry of entries) (byPartition[partitionOf(entry.profileId, this.partitions)] as Entry[]).push(entry);
    const positions = new Map([...this.#next.values()].flatMap((progress) => [...progress.positions]));
    return byPartition.map((part, partition) => ({ partition, parts: [{ entries: part, positions, recordOffset: null }] }));
  }

  settled(): void {
    this.#progress = this.#next;
  }

  /** By inlet partition: everything appended before this instant has gone through here. */
  forwardedMs(): ReadonlyMap<number, number> {
    return new Map([...this.#progress].map(([partition, progress]) => [partition, progress.positions.get(partition)?.timeMs ?? -Infinity]));
  }

  hasWork(): boolean {
    return false;
  }
}
