import type { Entry } from '@tributary/contracts/entry';
import type { StageName } from '@tributary/contracts/topics/flow';
import type { Topic } from '@tributary/contracts/topics/topic';
import type { Write } from '@tributary/postgres/write';

/**
 * What a stage says of each record or entry that it was given. A fifth outcome is an exception: the world is broken,
 * the batch is tried again with bounds, then the process stops.
 */
export type Ending =
  /** Goes on, as none or one entry; of a record of the inlet, up to 64. */
  | { readonly ending: 'forward'; readonly entries: readonly Entry[] }
  /** Healthy and counted. */
  | { readonly ending: 'drop'; readonly reason: string }
  /** Can never succeed: set aside with its bytes. */
  | { readonly ending: 'park'; readonly reason: string };

/** A record of a topic as the broker has it. */
export interface LogRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Epoch ms; the broker's append time where the topic says LogAppendTime. */
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: { readonly [name: string]: string };
}

/** A record on its way out. */
export interface OutRecord {
  readonly topic: string;
  /** Left out: chosen by the hash of the key. */
  readonly partition?: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: { readonly [name: string]: string };
}

/** A decision over a batch: an ending per input, in order, and what must happen with it, atomically in keyed stages. */
export interface Decision {
  readonly endings: readonly Ending[];
  /** Data-modifying statements, which become part of the one statement that commits the batch. */
  readonly writes?: readonly Write[];
  /** Records for public topics, published after the commit, through the outbox. */
  readonly records?: readonly OutRecord[];
  /** Runs after the commit, e.g. to refresh a cache. Must not throw. */
  readonly afterCommit?: () => void;
}

/**
 * A keyed stage over plain records (ingestion, delivery): offsets, writes and outgoing messages commit in one fenced
 * statement. `decide` may be called again with the same records after a failure: it must not keep anything before
 * `afterCommit`.
 */
export interface RecordStage {
  readonly kind: 'records';
  readonly name: StageName;
  readonly reads: Topic;
  readonly writes?: Topic;
  decide(records: readonly LogRecord[]): Promise<Decision>;
  /** Forget what was cached: a commit failed, or partitions moved. */
  reset?(): void;
}

/** A stateless stage over entries (consent, cleansing): same input, same output; at least once. */
export interface EntryStage {
  readonly kind: 'entries';
  readonly name: StageName;
  readonly reads: Topic;
  readonly writes: Topic;
  decide(entries: readonly Entry[]): Promise<Decision>;
}

/** A profile inside a workspace: what a fold's state belongs to. */
export interface ProfileKey {
  readonly workspace: string;
  readonly profileId: string;
}

/** Where a fold puts what follows from an entry or from time. */
export interface Emitter {
  /** Forwards an entry. The library stamps `source` and `offset`, and answers that offset: the writer's sequence. */
  forward(entry: Entry): number;
  /** A record for a public topic, through the outbox. */
  record(record: OutRecord): void;
  drop(reason: string): void;
  park(entry: Entry, reason: string): void;
}

/**
 * The decisions of a keyed, ordered stage (scoring, segmentation): pure in memory, with loading and writing beside.
 * The library calls, per profile and in the order in which facts became known: `advance` up to the entry's append time,
 * then `apply`; and `advance` up to the watermark when the profile's timer is due. So at one millisecond events come
 * before expiry. States of owned partitions are cached and dropped on any failure.
 */
export interface FoldStage<State> {
  readonly kind: 'fold';
  readonly name: StageName;
  readonly reads: Topic;
  readonly writes?: Topic;
  /** Loads what is stored, in one query, by profile id; profiles without stored state are left out. */
  load(keys: readonly ProfileKey[]): Promise<Map<string, State>>;
  create(key: ProfileKey): State;
  apply(state: State, entry: Entry, emit: Emitter): void;
  /** Everything that time alone changes at instants strictly before `beforeMs`, each at its own instant, in order. */
  advance(state: State, beforeMs: number, emit: Emitter): void;
  /** The next instant at which time alone may change something, or null. Infinity is null. */
  dueMs(state: State): number | null;
  /**
   * How the states touched by a batch are stored, together with anything gathered by apply and advance. Records for
   * public topics may be added here too, when they need a look into the database.
   */
  save(touched: readonly { readonly key: ProfileKey; readonly state: State }[], record: (record: OutRecord) => void): readonly Write[] | Promise<readonly Write[]>;
  /** Called before each batch with the partitions owned; may return work of its own for this batch (backfills). */
  prepare?(context: PrepareContext<State>): Promise<void>;
  /** These partitions are ours now; forget what was kept. */
  reset?(partitions: readonly number[]): void;
  /** True when `prepare` has something to do although no entry brings it. */
  hasWork?(): boolean;
}

/** What a fold may do between batches: touch states as of the applied position, e.g. to rebuild them. */
export interface PrepareContext<State> {
  readonly partitions: readonly {
    readonly partition: number;
    /** Everything appended to the inlet before this instant has been applied here (exclusive). */
    readonly watermarkMs: number;
    /** The last offset (`sequence` of the writer before) that has been applied here. */
    readonly appliedOffset: number;
  }[];
  /** States by profile id, from the cache, loaded, or created. Those touched are saved with the batch. */
  states(keys: readonly ProfileKey[]): Promise<Map<string, State>>;
  touch(key: ProfileKey): void;
  /** The emitter of the partition that the profile belongs to. */
  emitFor(key: ProfileKey): Emitter;
  write(write: Write): void;
}

export type Stage = RecordStage | EntryStage | FoldStage<unknown>;
