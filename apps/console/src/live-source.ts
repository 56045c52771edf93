import type { LogRecord } from '@tributary/stream/stage';

/** Where live views come from: all partitions of a topic from now on. The log (`@tributary/stream/log`) is one. */
export interface LiveSource {
  tail(options: { readonly topic: string; onRecord(record: LogRecord): void }): Promise<{ stop(): Promise<void> }>;
  close(): Promise<void>;
}

