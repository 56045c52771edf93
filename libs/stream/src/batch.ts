import type { Entry, Position } from '@tributary/contracts/entry';
import type { StageName } from '@tributary/contracts/topics/flow';
import type { Write } from '@tributary/postgres/write';
import type { Advance, Progress } from './progress.js';
import type { Ending, LogRecord, OutRecord, Stage } from './stage.js';

/** Entries of one partition on their way through the stages of a process. */
export interface Flow {
  readonly partition: number;
  /** In order; `recordOffset` is that of the input record that brought them, null when a stage before did. */
  readonly parts: readonly { readonly entries: readonly Entry[]; readonly positions: ReadonlyMap<number, Position>; readonly recordOffset: number | null }[];
}

export interface EndingCount {
  readonly stage: StageName;
  readonly ending: Ending['ending'];
  readonly reason: string;
  count: number;
}

/** One micro-batch: what came in over all owned partitions, and what will be committed and sent for it. */
export class Batch {
  flows: Flow[] = [];
  readonly advances: Advance[] = [];
  readonly writes: Write[] = [];
  readonly out: OutRecord[] = [];
  readonly afterCommit: (() => void)[] = [];
  /** How everything ended; told once it is committed. */
  readonly endings = new Map<string, EndingCount>();

  /** @param narrow one unit at a time: a batch failed for a reason that lies in its data */
  constructor(readonly records: readonly LogRecord[], readonly narrow: boolean) {}

  count(stage: StageName, ending: Ending['ending'], reason: string, count = 1): void {
    const key = `${stage} ${ending} ${reason}`;
    const counted = this.endings.get(key);
    if (counted === undefined) this.endings.set(key, { stage, ending, reason, count });
    else counted.count += count;
  }
}

/** One stage inside a process. */
export interface Step {
  readonly stage: Stage;
  /** These partitions are ours, standing there; whatever was kept of others or of before is forgotten. */
  assign(progress: ReadonlyMap<number, Progress>): Promise<void>;
  /** Decides the batch; adds to it what must be committed and sent. */
  run(batch: Batch): Promise<void>;
  /** The batch has been committed, or there was nothing to commit. */
  settled?(): void;
  /** True when there is work that no record brings: entries or timers left over from a bounded batch, a backfill. */
  hasWork?(): boolean;
  /** True while enough is waiting inside: more records would only fill memory. */
  isFull?(): boolean;
  /** The instant (epoch ms) that the log must pass for something to go on, here or behind; null when nothing waits. */
  needsTimeMs?(): number | null;
}

/** Finds out whether PostgreSQL takes these writes, without keeping them. @throws what it would say */
export type Probe = (writes: readonly Write[]) => Promise<void>;

export interface StepObserver {
  watermark(stage: StageName, partition: number, timeMs: number): void;
}
