import type { StageName } from '@tributary/contracts/topics/flow';
import type { Pool } from '@tributary/postgres/pool';
import type { StepObserver } from './batch.js';
import type { Clock } from './clock.js';
import type { Log } from './log.js';
import type { Ending, Stage } from './stage.js';

export interface LineOptions {
  readonly stages: readonly [Stage, ...Stage[]];
  readonly log: Log;
  readonly pool: Pool;
  readonly partitions: number;
  readonly inletPartitions: number;
  readonly statesMax: number;
  readonly observer: LineObserver;
  /** Failures in a row before the process ends and lets its supervisor start afresh; by default 20, about a minute. */
  readonly failuresMax?: number;
  /** The system's, unless given. */
  readonly clock?: Clock;
  /** The process cannot go on. */
  onFatal(error: Error): void;
}

export interface LineObserver extends StepObserver {
  ending(stage: StageName, ending: Ending['ending'], reason: string, count: number): void;
  batch(line: string, records: number, ms: number): void;
  /** A batch failed and will be tried again. */
  failure(line: string, error: unknown, failures: number): void;
  /** Somebody else commits for a partition of ours. */
  lost(line: string): void;
}

export interface LineHealth {
  /** Joined, claimed, and able to process. */
  readonly ready: boolean;
  /** The poll loop and the batch loop turn. */
  readonly live: boolean;
  readonly detail: string;
}
