/** A Kafka topic: its name is a past-tense fact; what may be relied on stands in the doc comment of each topic. */
export interface Topic {
  readonly name: string;
  /** 'frames': a record packs entries of one partition (see @tributary/stream/frame); 'records': one fact a record. */
  readonly carries: 'frames' | 'records';
  /** Which number of partitions it takes: that of the inlet, that of the profiles, or one. */
  readonly partitions: 'inlet' | 'profiles' | 'one';
  /** Who numbers the entries of frames: every inlet partition, or the one writer of the partition. */
  readonly sources?: 'one';
  /** Topic-level broker configuration. */
  readonly config: { readonly [key: string]: string };
}

const DAY_MS = 86_400_000;

/** Retention must exceed the age of any database backup: Postgres holds the offsets. */
export const RETENTION = { 'retention.ms': String(7 * DAY_MS) } as const;
