import type { Entry } from '@tributary/contracts/entry';
import { partitionOf } from '@tributary/contracts/shard';
import type { Pool } from '@tributary/postgres/pool';
import type { Batch, Probe, Step, StepObserver } from './batch.js';
import type { Clock } from './clock.js';
import { parkEntry, parkTimer, POISON } from './park.js';
import type { Advance, Progress } from './progress.js';
import { Reorder } from './reorder.js';
import type { Emitter, FoldStage, PrepareContext, ProfileKey } from './stage.js';
import { StateCache } from './state-cache.js';
import { TimerBook } from './timer-book.js';
import { deleteTimers } from './timers.js';
import { isTransient } from './transient.js';

/** Bounds of one batch, so that live entries and a herd of timers take turns. */
const ENTRIES_MAX = 5_000;
const TIMERS_MAX = 500;
/** Entries of a partition that may wait for other sources before the process gives up instead of filling memory. */
const WAITING_MAX = 500_000;
/** Entries that wait for other sources are ingestion's to look after; where it has no reason to, we ask after this long. */
const PATIENCE_MS = 20;

interface Owned {
  readonly partition: number;
  progress: Progress;
  readonly reorder: Reorder;
  /** The input record to read next; null behind another stage of the same process. */
  nextRecord: number | null;
  outOffset: number;
}

/** What one partition does in a batch. */
interface Work {
  readonly owned: Owned;
  readonly entries: readonly Entry[];
  readonly timers: readonly { readonly key: ProfileKey; readonly dueMs: number }[];
  readonly out: Entry[];
  readonly emit: Emitter;
}

export interface FoldOptions {
  readonly pool: Pool;
  readonly partitions: number;
  /** How many sources write into a partition of the input. */
  readonly sources: number;
  /** Behind another stage of this process: what it forwards is committed with its batch, so nothing may wait here. */
  readonly chained: boolean;
  readonly statesMax: number;
  readonly probe: Probe;
  readonly observer: StepObserver;
  readonly clock: Clock;
}

/**
 * A keyed stage: applies each profile's entries in the order in which they became known, lets time pass between them,
 * and fires timers once the watermark has gone by.
 */
export class FoldStep<State> implements Step {
  #owned = new Map<number, Owned>();
  readonly #states: StateCache<State>;
  readonly #timers: TimerBook;
  /** Entries and timers that cannot be applied or stored: set aside the next time round. */
  readonly #poison = new Set<string>();
  #advances: readonly Advance[] = [];
  #stalledAtMs = Infinity;
  #stalledSinceMs = 0;

  constructor(readonly stage: FoldStage<State>, private readonly options: FoldOptions) {
    this.#states = new StateCache(options.pool, stage, options.statesMax);
    this.#timers = new TimerBook(options.pool, stage.name, options.partitions);
  }

  async assign(progress: ReadonlyMap<number, Progress>): Promise<void> {
    this.#states.clear();
    this.#advances = [];
    this.stage.reset?.([...progress.keys()]);
    this.#owned = new Map([...progress].map(([partition, at]) => [partition, {
      partition, progress: at, reorder: new Reorder(at.positions, this.options.sources), nextRecord: at.nextOffset, outOffset: at.outOffset,
    }]));
    await this.#timers.open([...progress.keys()]);
  }

  async run(batch: Batch): Promise<void> {
    for (const flow of batch.flows) this.#receive(flow);
    await this.#timers.readOn(Math.max(...[...this.#owned.values()].map(({ reorder }) => reorder.watermarkMs()), -Infinity));
    const outs = new Map([...this.#owned.values()].map((owned) => [owned.partition, this.#outOf(owned, batch)]));
    await this.#prepare(batch, outs);
    const work = this.#takeWork(batch, outs);
    await this.#states.load(work.flatMap(({ entries, timers }) => [...entries, ...timers.map(({ key }) => key)]));
    for (const part of work) this.#apply(part, batch);
    await this.#save(work, batch);
    this.#advance(work, batch);
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

  async #prepare(batch: Batch, outs: ReadonlyMap<number, Pick<Work, 'emit'>>): Promise<void> {
    if (this.stage.prepare === undefined || this.#owned.size === 0) return;
    const { sources, partitions } = this.options;
    const context: PrepareContext<State> = {
      partitions: [...this.#owned.values()].map(({ partition, progress: { positions } }) => ({
        partition,
        watermarkMs: positions.size < sources ? -Infinity : Math.min(...[...positions.values()].map(({ timeMs }) => timeMs)),
        appliedOffset: positions.get(0)?.offset ?? -1,
      })),
      states: async (keys) => {
        await this.#states.load(keys);
        return new Map(keys.map((key) => [key.profileId, this.#states.get(key).state]));
      },
      touch: (key) => void this.#states.touch(key),
      emitFor: (key) => (outs.get(partitionOf(key.profileId, partitions)) as Pick<Work, 'emit'>).emit,
      write: (write) => void batch.writes.push(write),
    };
    await this.stage.prepare(context);
  }

  /** What is next in each partition, fairly, within the bounds of a batch. */
  #takeWork(batch: Batch, outs: ReadonlyMap<number, Pick<Work, 'out' | 'emit'>>): Work[] {
    let entriesLeft = this.options.chained ? Infinity : batch.narrow ? 1 : ENTRIES_MAX;
    let timersLeft = batch.narrow ? 1 : TIMERS_MAX;
    let partitionsLeft = this.#owned.size;
    return [...this.#owned.values()].map((owned) => {
      const entries = owned.reorder.take(Math.ceil(entriesLeft / partitionsLeft));
      entriesLeft -= entries.length;
      if (batch.narrow && entries.length > 0) timersLeft = 0;
      const timers = this.#timers.take(owned.partition, owned.reorder.watermarkMs(), Math.ceil(timersLeft / partitionsLeft));
      timersLeft -= timers.length;
      if (batch.narrow && timers.length > 0 && !this.options.chained) entriesLeft = 0;
      partitionsLeft--;
      return { owned, entries, timers, ...(outs.get(owned.partition) as Pick<Work, 'out' | 'emit'>) };
    });
  }

  #apply({ owned, entries, timers, emit }: Work, batch: Batch): void {
    const { stage } = this;
    for (const entry of entries) {
      if (this.#isPoison(entry, unitOf)) {
        emit.park(entry, POISON);
        continue;
      }
      try {
        const { state } = this.#states.touch(entry);
        stage.advance(state, entry.appendedAtMs, emit);
        stage.apply(state, entry, emit);
      } catch (error) {
        throw this.#suspect([unitOf(entry)], error, batch);
      }
    }
    const watermarkMs = owned.reorder.watermarkMs();
    for (const { key, dueMs } of timers) {
      if (this.#isPoison(key, timerUnitOf)) {
        this.#giveUpTimer(owned, key, dueMs, batch);
        continue;
      }
      try {
        stage.advance(this.#states.touch(key).state, watermarkMs, emit);
      } catch (error) {
        throw this.#suspect([timerUnitOf(key)], error, batch);
      }
    }
  }

  #giveUpTimer({ partition }: Owned, key: ProfileKey, dueMs: number, batch: Batch): void {
    const { name, reads } = this.stage;
    batch.count(name, 'park', POISON);
    batch.out.push(parkTimer(name, { topic: reads.name, partition }, key, dueMs));
    batch.writes.push(deleteTimers(name, [key]));
    this.#states.get(key).armedMs = null;
  }

  #isPoison<Unit>(unit: Unit, nameOf: (unit: Unit) => string): boolean {
    return this.#poison.size > 0 && this.#poison.delete(nameOf(unit));
  }

  /** After an exception states may be half changed: the batch is thrown away, and the culprit set aside the next time. */
  #suspect(units: readonly string[], error: unknown, { narrow }: Batch): unknown {
    if (narrow && !isTransient(error)) for (const unit of units) this.#poison.add(unit);
    return error;
  }

  async #save(work: readonly Work[], batch: Batch): Promise<void> {
    const watermarkOf = (partition: number) => (this.#owned.get(partition) as Owned).reorder.watermarkMs();
    const { touched } = this.#states;
    try {
      const writes = this.#timers.arm(touched.map((kept) => [kept, this.stage.dueMs(kept.state)]), watermarkOf);
      writes.push(...(await this.stage.save(touched, (record) => void batch.out.push(record))));
      if (batch.narrow) await this.options.probe(writes);
      batch.writes.push(...writes);
    } catch (error) {
      throw this.#suspect(work.flatMap(({ entries, timers }) => [...entries.map(unitOf), ...timers.map(({ key }) => timerUnitOf(key))]), error, batch);
    }
  }

  #outOf(owned: Owned, batch: Batch): Pick<Work, 'out' | 'emit'> {
    const { stage } = this;
    const out: Entry[] = [];
    const emit: Emitter = {
      forward: (entry) => {
        owned.outOffset++;
        out.push({ ...entry, source: 0, offset: owned.outOffset });
        return owned.outOffset;
      },
      record: (record) => void batch.out.push(record),
      drop: (reason) => batch.count(stage.name, 'drop', reason),
      park: (entry, reason) => {
        batch.count(stage.name, 'park', reason);
        batch.out.push(parkEntry(stage.name, reason, { topic: stage.reads.name, partition: owned.partition }, entry));
      },
    };
    return { out, emit };
  }

  #advance(work: readonly Work[], batch: Batch): void {
    const { stage, options: { chained, observer } } = this;
    const received = new Set(batch.flows.map(({ partition }) => partition));
    const advances: Advance[] = [];
    batch.flows = [];
    for (const { owned: { partition, progress, reorder, nextRecord, outOffset }, out } of work) {
      const positions = reorder.positions();
      // What is written must be fenced, so with writes every partition takes part.
      const isIdle = !received.has(partition) && out.length === 0 && batch.writes.length === 0 && batch.out.length === 0;
      if (isIdle && samePositions(positions, progress)) continue;
      // A timer still waiting for its turn may bring an entry of its own instant: nobody behind us may be past it.
      const timeMs = Math.min(reorder.watermarkMs(), this.#timers.nextMs(partition));
      observer.watermark(stage.name, partition, timeMs);
      const nextOffset = chained ? progress.nextOffset : (reorder.oldestRecordOffset() ?? nextRecord);
      advances.push({ stage: stage.name, from: progress, to: { nextOffset, positions, outOffset }, watermarkMs: timeMs === -Infinity ? null : timeMs });
      const position = timeMs === -Infinity ? [] : [[0, { offset: outOffset, timeMs }] as const];
      batch.flows.push({ partition, parts: [{ entries: out, positions: new Map(position), recordOffset: null }] });
      if (out.length > 0) batch.count(stage.name, 'forward', '', out.length);
    }
    this.#advances = advances;
    batch.advances.push(...advances);
  }

  settled(): void {
    for (const { from, to } of this.#advances) (this.#owned.get(from.partition) as Owned).progress = { ...from, ...to };
    this.#advances = [];
    this.#states.settle();
  }

  hasWork(): boolean {
    for (const { partition, reorder } of this.#owned.values()) if (reorder.isReady() || this.#timers.nextMs(partition) < reorder.watermarkMs()) return true;
    return this.stage.hasWork?.() ?? false;
  }

  isFull(): boolean {
    for (const { reorder } of this.#owned.values()) if (reorder.isReady()) return true;
    return false;
  }

  needsTimeMs(): number | null {
    let dueMs = Infinity;
    let stalledAtMs = Infinity;
    for (const { partition, reorder } of this.#owned.values()) {
      const watermarkMs = reorder.watermarkMs();
      const nextMs = this.#timers.nextMs(partition);
      if (nextMs >= watermarkMs) dueMs = Math.min(dueMs, nextMs);
      if (reorder.size > 0) stalledAtMs = Math.min(stalledAtMs, watermarkMs);
    }
    if (stalledAtMs !== this.#stalledAtMs) {
      this.#stalledAtMs = stalledAtMs;
      this.#stalledSinceMs = this.options.clock.nowMs();
    }
    if (stalledAtMs < Infinity) dueMs = Math.min(dueMs, this.#stalledSinceMs + PATIENCE_MS);
    return dueMs === Infinity ? null : dueMs;
  }
}

/** What an entry is, also when it is numbered anew by a repeated batch of the stage before. */
function unitOf({ profileId, kind, messageId, appendedAtMs }: Entry): string {
  return `${profileId} ${kind} ${messageId} ${appendedAtMs}`;
}

function timerUnitOf({ profileId }: ProfileKey): string {
  return `${profileId} timer`;
}

function samePositions(positions: ReadonlyMap<number, { offset: number; timeMs: number }>, progress: Progress): boolean {
  if (positions.size !== progress.positions.size) return false;
  for (const [source, { offset, timeMs }] of positions) {
    const before = progress.positions.get(source);
    if (before === undefined || before.offset !== offset || before.timeMs !== timeMs) return false;
  }
  return true;
}
