import type { LogRecord } from '@tributary/stream/stage';

export interface LiveTail {
  readonly topic: string;
  /** About so many of the newest records that are there already are given first. */
  readonly recentMax: number;
  /** Once, before any other record, in the order of their time. */
  onRecent(records: readonly LogRecord[]): void;
  /** Each record after that, as it comes. */
  onRecord(record: LogRecord): void;
}

/** Where live views come from: all partitions of a topic, a little of the past and then everything from now on. */
export interface LiveSource {
  /** Resolves once the past has been given. */
  tail(tail: LiveTail): Promise<{ stop(): Promise<void> }>;
  close(): Promise<void>;
}
