import type { Entry, Position } from '@tributary/contracts/entry';
import { parkedTopic, type StageName } from '@tributary/contracts/topics/flow';
import type { Write } from '@tributary/postgres/write';
import type { Advance, Progress } from './progress.js';
import type { LogRecord, OutRecord, Stage } from './stage.js';

/** Entries of one partition on their way through the stages of a process. */
export interface Flow {
  readonly partition: number;
  /** In order; `recordOffset` is that of the input record that brought them, null when a stage before did. */
  readonly parts: readonly { readonly entries: readonly Entry[]; readonly positions: ReadonlyMap<number, Position>; readonly recordOffset: number | null }[];
}

/** One micro-batch: what came in over all owned partitions, and what will be committed and sent for it. */
export interface Batch {
  readonly records: readonly LogRecord[];
  flows: Flow[];
  readonly advances: Advance[];
  readonly writes: Write[];
  readonly out: OutRecord[];
  readonly afterCommit: (() => void)[];
  /** One unit at a time: a batch failed for a reason that lies in the data. */
  readonly narrow: boolean;
}

/** One stage inside a process. */
export interface Step {
  readonly stage: Stage;
  /** These partitions are ours, standing there; whatever was kept of others or of before is forgotten. */
  assign(progress: ReadonlyMap<number, Progress>): Promise<void>;
  /** Decides the batch; adds to it what must be committed and sent. */
  run(batch: Batch): Promise<void>;
  /** True when there is work that no record brings: entries or timers left over from a bounded batch, a backfill. */
  hasWork(): boolean;
  /** Called after every batch, committed or, when nothing was to commit, just done. */
  settled?(): void;
}

export interface StepObserver {
  ending(stage: StageName, ending: 'forward' | 'drop' | 'park', reason: string, count: number): void;
  watermark(stage: StageName, partition: number, timeMs: number): void;
}

/** Sets a record aside with its bytes, where it came from and why. */
export function parkRecord(stage: StageName, reason: string, origin: { readonly topic: string; readonly partition: number; readonly offset: number; readonly key: Buffer | null; readonly value: Buffer | null; readonly headers?: { readonly [name: string]: string } }): OutRecord {
  return {
    topic: parkedTopic(stage).name,
    partition: 0,
    key: origin.key,
    value: origin.value,
    headers: {
      ...origin.headers,
      stage,
      reason,
      'origin-topic': origin.topic,
      'origin-partition': String(origin.partition),
      'origin-offset': String(origin.offset),
    },
  };
}

/** Sets an entry aside; its header travels along, so that a repaired one can be sent through again. */
export function parkEntry(stage: StageName, reason: string, topic: string, partition: number, entry: Entry): OutRecord {
  const { body, ...header } = entry;
  return parkRecord(stage, reason, { topic, partition, offset: entry.offset, key: Buffer.from(entry.profileId), value: body, headers: { entry: JSON.stringify(header) } });
}

/** Faults of the world, not of the data: trying again may help. */
export function isTransient(error: unknown): boolean {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  if (typeof name === 'string' && name.startsWith('KafkaJS')) return true;
  if (typeof code !== 'string') return /connection|timeout|terminat/i.test(String((error as Error | null)?.message));
  // PostgreSQL: connection exceptions, insufficient resources, operator intervention, serialization; our fence; sockets.
  return /^(08|53|57|40|TB001)/.test(code) || code.startsWith('E') || code === '25006';
}
