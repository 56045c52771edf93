import { randomUUID } from 'node:crypto';
import type { Pool } from '@tributary/postgres/pool';
import type { Step } from './batch.js';
import type { Log } from './log.js';
import { claim, type Claimed, type Progress, reread } from './progress.js';
import type { Publisher } from './publisher.js';
import type { Stage } from './stage.js';

export interface OwnershipOptions {
  readonly log: Log;
  readonly pool: Pool;
  readonly stages: readonly [Stage, ...Stage[]];
  readonly steps: readonly Step[];
  readonly publisher: Publisher;
}

/** Which partitions a line owns, and from where it reads them. */
export class Ownership {
  partitions: readonly number[] = [];
  readonly #owner = randomUUID();
  readonly #keyedNames: readonly string[];
  /** Next offsets, for stages whose offsets are not in the database: the broker learns of them later than we do. */
  readonly #done = new Map<number, number>();

  constructor(private readonly options: OwnershipOptions) {
    this.#keyedNames = options.stages.filter(({ kind }) => kind !== 'entries').map(({ name }) => name);
  }

  /** The group gave us these partitions. Answers the offset to read each from. */
  async take(partitions: readonly number[]): Promise<ReadonlyMap<number, number>> {
    this.partitions = partitions;
    if (this.#keyedNames.length === 0) return this.#committedOffsets();
    return this.#adopt(await claim(this.options.pool, this.#keyedNames, partitions, this.#owner));
  }

  /** Forgets what is in memory and stands again where the database does; null when somebody has taken a partition over. */
  async retake(): Promise<ReadonlyMap<number, number> | null> {
    if (this.#keyedNames.length === 0) return this.#committedOffsets();
    const ours = await reread(this.options.pool, this.#keyedNames, this.partitions, this.#owner);
    return ours === null ? null : this.#adopt(ours);
  }

  /** Everything before this offset has been dealt with. */
  passed(partition: number, next: number): void {
    this.#done.set(partition, next);
  }

  async #adopt(claimed: Claimed): Promise<ReadonlyMap<number, number>> {
    await this.options.publisher.sendPending(this.partitions);
    for (const step of this.options.steps) await step.assign(claimed.get(step.stage.name) ?? new Map());
    return this.#storedOffsets(claimed.get(this.#keyedNames[0] as string) ?? new Map());
  }

  /** PostgreSQL is the truth about offsets; a log that ends before them, or begins after, has lost records. */
  async #storedOffsets(progress: ReadonlyMap<number, Progress>): Promise<ReadonlyMap<number, number>> {
    const { name, reads: { name: topic } } = this.options.stages[0];
    const offsets = await this.options.log.offsets(topic);
    const start = new Map<number, number>();
    for (const [partition, { nextOffset }] of progress) {
      const { low, high } = offsets.get(partition) ?? { low: 0, high: 0 };
      if (nextOffset !== null && (nextOffset > high || nextOffset < low)) throw new LogDisagrees(topic, partition, name, nextOffset, low, high);
      start.set(partition, nextOffset ?? low);
    }
    return start;
  }

  async #committedOffsets(): Promise<ReadonlyMap<number, number>> {
    const { log, stages: [{ name, reads: { name: topic } }] } = this.options;
    const [offsets, committed] = await Promise.all([log.offsets(topic), log.committed(name, topic)]);
    const start = new Map<number, number>();
    for (const partition of this.partitions) {
      const { low, high } = offsets.get(partition) ?? { low: 0, high: 0 };
      const known = [committed.get(partition), this.#done.get(partition)].filter((next) => next !== undefined);
      const next = known.length > 0 ? Math.max(...known) : low;
      if (next > high || next < low) throw new LogDisagrees(topic, partition, name, next, low, high);
      start.set(partition, next);
    }
    return start;
  }
}

/** Records were lost, or the topic is another one than before: going on would skip or repeat silently. */
export class LogDisagrees extends Error {
  constructor(topic: string, partition: number, stage: string, next: number, low: number, high: number) {
    super(`${topic}/${partition} holds offsets ${low} to ${high}, but ${stage} stands at ${next}: records were lost, or the topic is another one. See docs/runbook.md, "The log and the database disagree".`);
  }
}
