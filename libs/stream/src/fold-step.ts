import type { Entry } from '@tributary/contracts/entry';
import { partitionOf } from '@tributary/contracts/shard';
import type { Pool } from '@tributary/postgres/pool';
import { type Batch, isTransient, parkEntry, type Step, type StepObserver } from './batch.js';
import type { Progress } from './progress.js';
import { Reorder } from './reorder.js';
import type { Emitter, FoldStage, OutRecord, PrepareContext, ProfileKey } from './stage.js';
import { deleteTimers, type DueTimer, loadTimers, timersBefore, upsertTimers } from './timers.js';
import { TimerQueue } from './timer-queue.js';

/** Bounds of one batch, so that live entries and a herd of timers take turns. */
const ENTRIES_MAX = 2_000;
const TIMERS_MAX = 500;
/** Timers of a partition kept in memory at a time; later ones are fetched when their time comes near. */
const TIMERS_LOADED_MAX = 100_000;
/** Entries of a partition that may wait for other sources before the process gives up instead of filling memory. */
const WAITING_MAX = 500_000;

interface Kept<State> {
  readonly key: ProfileKey;
  readonly state: State;
  /** What stream.timers holds for the profile. It may be earlier than needed, never later. */
  armedMs: number | null;
}

interface Owned {
  readonly partition: number;
  readonly progress: Progress;
  readonly reorder: Reorder;
  readonly timers: TimerQueue<ProfileKey>;
  /** The input record to read next; null behind another stage of the same process. */
  nextRecord: number | null;
  /** Timers due before this instant are all in memory. */
  horizonMs: number;
  outOffset: number;
}

export interface FoldOptions {
  readonly pool: Pool;
  readonly partitions: number;
  /** How many sources write into a partition of the input. */
  readonly sources: number;
  /** Behind another stage of this process: what it forwards is committed with its batch, so nothing may wait here. */
  readonly chained: boolean;
  readonly statesMax: number;
  readonly observer: StepObserver;
}

/**
 * A keyed stage: applies each profile's entries in the order in which they became known, lets time pass between them,
 * and fires timers once the watermark has gone by.
 */
export class FoldStep<State> implements Step {
  #owned = new Map<number, Owned>();
  readonly #kept = new Map<string, Kept<State>>();
  readonly #poison = new Set<string>();
  #touched = new Map<string, Kept<State>>();
  #advances: Batch['advances'] = [];

  constructor(readonly stage: FoldStage<State>, private readonly options: FoldOptions) {}

  async assign(progress: ReadonlyMap<number, Progress>): Promise<void> {
    this.#kept.clear();
    this.#touched.clear();
    this.stage.reset?.([...progress.keys()]);
    const timers = await timersBefore(this.options.pool, this.stage.name, -Infinity, TIMERS_LOADED_MAX);
    this.#owned = new Map([...progress].map(([partition, at]) => [partition, {
      partition,
      progress: at,
      reorder: new Reorder(at.positions, this.options.sources),
      timers: new TimerQueue<ProfileKey>(),
      nextRecord: at.nextOffset,
      horizonMs: timers.horizonMs,
      outOffset: at.outOffset,
    }]));
    for (const timer of timers.due) this.#ownerOf(timer.key)?.timers.set(idOf(timer.key), timer.key, timer.dueMs);
  }

  async run(batch: Batch): Promise<void> {
    this.#touched = new Map();
    for (const flow of batch.flows) this.#receive(flow);
    await this.#loadComingTimers();
    const out = new Map([...this.#owned.keys()].map((partition) => [partition, [] as Entry[]]));
    await this.#prepare(batch, out);

    let entriesLeft = this.options.chained ? Infinity : batch.narrow ? 1 : ENTRIES_MAX;
    let timersLeft = batch.narrow ? 1 : TIMERS_MAX;
    const work = [...this.#owned.values()].map((owned) => {
      const entries = owned.reorder.take(entriesLeft);
      entriesLeft -= entries.length;
      const timers = owned.timers.take(owned.reorder.watermarkMs(), timersLeft);
      timersLeft -= timers.length;
      return { owned, entries, timers };
    });
    await this.#load(work.flatMap(({ entries, timers }) => [...entries, ...timers.map(({ key }) => key)]));
    for (const { owned, entries, timers } of work) {
      const emit = this.#emitter(owned, out.get(owned.partition) as Entry[], batch);
      for (const entry of entries) this.#apply(entry, emit, batch.narrow);
      for (const { key } of timers) this.#fire(key, owned, emit);
    }
    this.#arm(batch);
    batch.writes.push(...(await this.stage.save([...this.#touched.values()], (record) => void batch.out.push(record))));
    this.#advance(batch, out);
  }

  #receive({ partition, parts }: Batch['flows'][number]): void {
    const owned = this.#owned.get(partition);
    if (owned === undefined) throw new Error(`${this.stage.name} was given partition ${partition}, which it does not own`);
    for (const part of parts) {
      owned.reorder.push(part.entries, part.positions, part.recordOffset ?? 0);
      if (part.recordOffset !== null) owned.nextRecord = part.recordOffset + 1;
    }
    if (owned.reorder.size > WAITING_MAX) throw new Error(`${WAITING_MAX} entries wait for an inlet partition that brings nothing: is an ingestion instance down?`);
  }

  async #prepare(batch: Batch, out: ReadonlyMap<number, Entry[]>): Promise<void> {
    if (this.stage.prepare === undefined) return;
    const emitters = new Map([...this.#owned.values()].map((owned) => [owned.partition, this.#emitter(owned, out.get(owned.partition) as Entry[], batch)]));
    const context: PrepareContext<State> = {
      partitions: [...this.#owned.values()].map(({ partition, progress }) => ({
        partition,
        watermarkMs: Math.min(...[...progress.positions.values()].map(({ timeMs }) => timeMs), Infinity),
        appliedOffset: progress.positions.get(0)?.offset ?? -1,
      })),
      states: async (keys) => {
        await this.#load(keys);
        return new Map(keys.map((key) => [key.profileId, (this.#kept.get(idOf(key)) as Kept<State>).state]));
      },
      touch: (key) => this.#touched.set(idOf(key), this.#kept.get(idOf(key)) as Kept<State>),
      emitFor: (key) => emitters.get(partitionOf(key.profileId, this.options.partitions)) as Emitter,
      write: (write) => void batch.writes.push(write),
    };
    await this.stage.prepare(context);
  }

  /** States and armed timers of profiles that are not kept yet, in one query each. */
  async #load(keys: readonly ProfileKey[]): Promise<void> {
    const missing = new Map<string, ProfileKey>();
    for (const { workspace, profileId } of keys) {
      const id = idOf({ workspace, profileId });
      if (!this.#kept.has(id)) missing.set(id, { workspace, profileId });
    }
    if (missing.size === 0) return;
    const wanted = [...missing.values()];
    const [states, armed] = await Promise.all([this.stage.load(wanted), loadTimers(this.options.pool, this.stage.name, wanted)]);
    for (const [id, key] of missing) {
      this.#kept.set(id, { key, state: states.get(id) ?? this.stage.create(key), armedMs: armed.get(id) ?? null });
    }
  }

  #apply(entry: Entry, emit: Emitter, narrow: boolean): void {
    const unit = `${entry.source}:${entry.offset}`;
    if (this.#poison.has(unit)) {
      emit.park(entry, 'poison');
      return;
    }
    const kept = this.#touch(entry);
    try {
      this.stage.advance(kept.state, entry.appendedAtMs, emit);
      this.stage.apply(kept.state, entry, emit);
    } catch (error) {
      // Its state may be half changed: the batch is thrown away, and the entry set aside the next time round.
      if (narrow && !isTransient(error)) this.#poison.add(unit);
      throw error;
    }
  }

  #fire(key: ProfileKey, owned: Owned, emit: Emitter): void {
    this.stage.advance(this.#touch(key).state, owned.reorder.watermarkMs(), emit);
  }

  #touch(key: ProfileKey): Kept<State> {
    const id = idOf(key);
    const kept = this.#kept.get(id) as Kept<State>;
    this.#touched.set(id, kept);
    return kept;
  }

  #emitter(owned: Owned, out: Entry[], batch: Batch): Emitter {
    const { stage, options } = this;
    return {
      forward: (entry) => {
        owned.outOffset++;
        out.push({ ...entry, source: 0, offset: owned.outOffset });
        return owned.outOffset;
      },
      record: (record: OutRecord) => void batch.out.push(record),
      drop: (reason) => options.observer.ending(stage.name, 'drop', reason, 1),
      park: (entry, reason) => {
        options.observer.ending(stage.name, 'park', reason, 1);
        batch.out.push(parkEntry(stage.name, reason, stage.reads.name, owned.partition, entry));
      },
    };
  }

  /** One timer a profile. What is stored is corrected only when it would wake too late, or has just fired. */
  #arm(batch: Batch): void {
    const upserts: DueTimer[] = [];
    const deletes: ProfileKey[] = [];
    for (const [id, kept] of this.#touched) {
      const owned = this.#ownerOf(kept.key) as Owned;
      const dueMs = this.stage.dueMs(kept.state);
      if (dueMs === null) owned.timers.delete(id);
      else if (dueMs < owned.horizonMs) owned.timers.set(id, kept.key, dueMs);
      const fired = kept.armedMs !== null && kept.armedMs < owned.reorder.watermarkMs();
      if (dueMs !== null && (kept.armedMs === null || dueMs < kept.armedMs || fired)) {
        if (kept.armedMs !== dueMs) upserts.push({ key: kept.key, dueMs });
        kept.armedMs = dueMs;
      } else if (dueMs === null && fired) {
        deletes.push(kept.key);
        kept.armedMs = null;
      }
    }
    if (upserts.length > 0) batch.writes.push(upsertTimers(this.stage.name, upserts));
    if (deletes.length > 0) batch.writes.push(deleteTimers(this.stage.name, deletes));
  }

  #advance(batch: Batch, out: ReadonlyMap<number, Entry[]>): void {
    this.#advances = [];
    const received = new Set(batch.flows.map(({ partition }) => partition));
    batch.flows = [];
    for (const owned of this.#owned.values()) {
      const { partition, progress, reorder } = owned;
      const entries = out.get(partition) as Entry[];
      const positions = reorder.positions();
      // What is written must be fenced, so with writes every partition takes part.
      if (!received.has(partition) && batch.writes.length === 0 && entries.length === 0 && samePositions(positions, progress)) continue;
      // A timer still waiting for its turn may bring an entry of its own instant: nobody behind us may be past it.
      const timeMs = Math.min(reorder.watermarkMs(), owned.timers.nextMs() ?? Infinity, owned.horizonMs);
      this.options.observer.watermark(this.stage.name, partition, timeMs);
      const nextOffset = this.options.chained ? progress.nextOffset : (reorder.oldestRecordOffset() ?? owned.nextRecord);
      this.#advances.push({ stage: this.stage.name, from: progress, to: { nextOffset, positions, outOffset: owned.outOffset } });
      const position = timeMs === -Infinity ? [] : [[0, { offset: owned.outOffset, timeMs }] as const];
      batch.flows.push({ partition, parts: [{ entries, positions: new Map(position), recordOffset: null }] });
      if (this.stage.writes !== undefined && entries.length > 0) this.options.observer.ending(this.stage.name, 'forward', '', entries.length);
    }
    batch.advances.push(...this.#advances);
  }

  settled(): void {
    for (const { from, to } of this.#advances) {
      const owned = this.#owned.get(from.partition) as Owned;
      this.#owned.set(from.partition, { ...owned, progress: { ...from, ...to } });
    }
    this.#advances = [];
    this.#touched.clear();
    this.#forget();
  }

  /** The oldest states make room; the timers of their profiles stay. */
  #forget(): void {
    if (this.#kept.size <= this.options.statesMax) return;
    let surplus = this.#kept.size - Math.floor(this.options.statesMax * 0.9);
    for (const id of this.#kept.keys()) {
      if (surplus-- <= 0) break;
      this.#kept.delete(id);
    }
  }

  /** Refills the queues when their horizon comes near. */
  async #loadComingTimers(): Promise<void> {
    const horizonMs = Math.min(...[...this.#owned.values()].map((owned) => owned.horizonMs), Infinity);
    const watermarkMs = Math.max(...[...this.#owned.values()].map((owned) => owned.reorder.watermarkMs()), -Infinity);
    if (horizonMs > watermarkMs) return;
    const timers = await timersBefore(this.options.pool, this.stage.name, horizonMs, TIMERS_LOADED_MAX);
    for (const owned of this.#owned.values()) owned.horizonMs = timers.horizonMs;
    for (const timer of timers.due) this.#ownerOf(timer.key)?.timers.set(idOf(timer.key), timer.key, timer.dueMs);
  }

  #ownerOf(key: ProfileKey): Owned | undefined {
    return this.#owned.get(partitionOf(key.profileId, this.options.partitions));
  }

  hasWork(): boolean {
    for (const owned of this.#owned.values()) {
      const nextMs = owned.timers.nextMs();
      if (nextMs !== null && nextMs < owned.reorder.watermarkMs()) return true;
      if (owned.reorder.isReady()) return true;
    }
    return this.stage.hasWork?.() ?? false;
  }

  /** The instant that the watermark must pass for something here to go on, or null. */
  waitsForMs(): number | null {
    let instantMs = Infinity;
    for (const { timers, reorder } of this.#owned.values()) {
      const nextMs = timers.nextMs();
      if (nextMs !== null && nextMs >= reorder.watermarkMs()) instantMs = Math.min(instantMs, nextMs);
      if (reorder.size > 0) instantMs = Math.min(instantMs, reorder.watermarkMs());
    }
    return instantMs === Infinity ? null : instantMs;
  }
}

/** Profile ids are keyed hashes of workspace and identifier: unique over all workspaces. */
function idOf({ profileId }: ProfileKey): string {
  return profileId;
}

function samePositions(positions: ReadonlyMap<number, { offset: number; timeMs: number }>, progress: Progress): boolean {
  if (positions.size !== progress.positions.size) return false;
  for (const [source, { offset, timeMs }] of positions) {
    const before = progress.positions.get(source);
    if (before === undefined || before.offset !== offset || before.timeMs !== timeMs) return false;
  }
  return true;
}
