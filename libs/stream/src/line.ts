import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { inboundEvents } from '@tributary/contracts/topics/inbound-events';
import type { Pool } from '@tributary/postgres/pool';
import { joinWrites } from '@tributary/postgres/write';
import { type Batch, isTransient, parkRecord, type Step, type StepObserver } from './batch.js';
import { EntryStep } from './entry-step.js';
import { FoldStep } from './fold-step.js';
import { decodeFrame, type Frame, packFrames } from './frame.js';
import type { Log, LogConsumer, LogProducer } from './log.js';
import { deleteOutbox, insertOutbox, pendingOutbox } from './outbox.js';
import { claim, type Claimed, fencedStatement, isFenced, type Progress, reread } from './progress.js';
import { RecordStep } from './record-step.js';
import type { LogRecord, OutRecord, Stage } from './stage.js';
import { Ticker } from './ticker.js';

/** At least this long between the starts of two batches: cost is per batch, and under load batches grow by themselves. */
const PACE_MS = 5;
const BATCH_RECORDS_MAX = 2_000;
const BATCH_BYTES_MAX = 4_194_304;
/** Fetched records that wait for the next batch; beyond, reading pauses. */
const QUEUED_BYTES_MAX = 16_777_216;
const QUEUED_RECORDS_MAX = 20_000;
/** Failures in a row before the process ends and lets its supervisor start afresh. */
const FAILURES_MAX = 20;
const FAILURE_DELAY_MS_MAX = 5_000;
/** A process that lost its partitions and is given none for this long ends. */
const LOST_MS_MAX = 60_000;
const COMMIT_EVERY_MS = 1_000;
/** While nothing comes in, time still passes: how fresh an idle system's answers are. */
const IDLE_TICK_MS = 1_000;
/** How long a source may lag behind entries that wait for it before a tick asks. */
const LAG_MS = 4;
const STALLED_MS = 30_000;
/** Batches that go one unit at a time after one failed for a reason in its data. */
const NARROW_BATCHES = 256;

export interface LineOptions {
  readonly stages: readonly [Stage, ...Stage[]];
  readonly log: Log;
  readonly pool: Pool;
  readonly partitions: number;
  readonly inletPartitions: number;
  readonly statesMax: number;
  readonly observer: LineObserver;
  /** The process cannot go on. */
  onFatal(error: Error): void;
}

export interface LineObserver extends StepObserver {
  batch(stage: string, entries: number, ms: number): void;
  /** A batch failed and will be tried again. */
  failure(stage: string, error: unknown, failures: number): void;
  lost(stage: string): void;
}

export interface LineHealth {
  /** Joined, claimed, and able to process. */
  readonly ready: boolean;
  /** The poll loop and the batch loop turn. */
  readonly live: boolean;
  readonly detail: string;
}

/**
 * One or several neighbouring stages in one process. A batch is everything fetched over all owned partitions; it runs
 * through the stages in memory and commits, when one of them is keyed, in one fenced statement, then is sent.
 */
export class Line {
  readonly name: string;
  readonly #steps: Step[];
  readonly #keyedNames: readonly string[];
  readonly #owner = randomUUID();
  readonly #ticker: Ticker;
  #consumer: LogConsumer | undefined;
  #producer: LogProducer | undefined;
  #queue: LogRecord[] = [];
  #queuedBytes = 0;
  #owned: readonly number[] = [];
  #lostMs: number | null = null;
  #assigned = false;
  /** A batch failed: what is in memory may be wrong. */
  #broken = false;
  #generation = 0;
  /** What runs now: a batch or a change of ownership. */
  #last: Promise<unknown> = Promise.resolve();
  /** The instant that entries already forwarded wait for. */
  #lagging = -Infinity;
  /** Next offsets, for stages whose offsets are not in the database. */
  readonly #done = new Map<number, number>();
  #outboxIds: number[] = [];
  #commits = new Map<number, number>();
  #committedMs = 0;
  #failures = 0;
  #narrow = 0;
  #turnMs = Date.now();
  #lastInputMs = Date.now();
  #wake: () => void = () => undefined;
  #roomy: (() => void)[] = [];
  #stopping = false;
  #loop: Promise<void> = Promise.resolve();

  constructor(private readonly options: LineOptions) {
    const { stages } = options;
    this.name = stages.map(({ name }) => name).join('+');
    this.#keyedNames = stages.filter(({ kind }) => kind !== 'entries').map(({ name }) => name);
    this.#steps = stages.map((stage, index) => this.#stepOf(stage, index > 0));
    this.#ticker = new Ticker(() => this.options.log.producer(), options.inletPartitions);
  }

  #stepOf(stage: Stage, chained: boolean): Step {
    const { pool, partitions, inletPartitions, statesMax, observer } = this.options;
    if (stage.kind === 'records') return new RecordStep(stage, partitions, observer);
    if (stage.kind === 'entries') return new EntryStep(stage, observer);
    const sources = stage.reads.sources === 'one' ? 1 : inletPartitions;
    return new FoldStep(stage, { pool, partitions, sources, chained, statesMax, observer });
  }

  get #keyed(): boolean {
    return this.#keyedNames.length > 0;
  }

  async start(): Promise<void> {
    const head = this.options.stages[0];
    this.#producer = await this.options.log.producer();
    this.#loop = this.#run();
    this.#consumer = await this.options.log.consume({
      group: head.name,
      topic: head.reads.name,
      onAssigned: (partitions) => this.#assign(partitions),
      onRecords: (_, records) => this.#enqueue(records),
      onFatal: (error) => this.options.onFatal(error),
    });
  }

  /** Finishes the batch in hand, publishes it, and leaves the group. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#ticker.stop();
    this.#wake();
    for (const resume of this.#roomy.splice(0)) resume();
    await this.#loop;
    await this.#commitToBroker(true);
    await this.#consumer?.stop();
  }

  health(): LineHealth {
    const now = Date.now();
    const pollMs = this.#consumer?.lastTurnMs() ?? now;
    const live = now - this.#turnMs < STALLED_MS && now - pollMs < STALLED_MS;
    const ready = this.#assigned && this.#lostMs === null && this.#failures === 0 && live;
    return { ready, live, detail: `${this.name}: ${this.#assigned ? `partitions ${this.#owned.join(',') || 'none'}` : 'joining'}${this.#lostMs === null ? '' : ', lost'}` };
  }

  /** Something outside the log is to be done (a definition changed): run a batch soon. */
  nudge(): void {
    this.#wake();
  }

  // --- what the group gives us ---

  #assign(partitions: readonly number[]): Promise<ReadonlyMap<number, number>> {
    this.#generation++;
    this.#assigned = false;
    this.#forgetQueue();
    return this.#alone(async () => {
      const start = this.#keyed ? await this.#claim(partitions) : await this.#committedOffsets();
      this.#owned = partitions;
      this.#assigned = true;
      this.#lostMs = null;
      this.#failures = 0;
      this.#broken = false;
      this.#wake();
      return start;
    });
  }

  async #claim(partitions: readonly number[]): Promise<ReadonlyMap<number, number>> {
    const claimed = await claim(this.options.pool, this.#keyedNames, partitions, this.#owner);
    await this.#publishPending(partitions);
    return this.#adopt(claimed);
  }

  async #adopt(claimed: Claimed): Promise<ReadonlyMap<number, number>> {
    for (const step of this.#steps) await step.assign(claimed.get(step.stage.name) ?? new Map());
    return this.#startOffsets(claimed.get(this.#keyedNames[0] as string) ?? new Map());
  }

  async #committedOffsets(): Promise<ReadonlyMap<number, number>> {
    const { log, stages: [head] } = this.options;
    return new Map([...(await log.committed(head.name, head.reads.name)), ...this.#done]);
  }

  /** PostgreSQL is the truth about offsets; a log that ends before them, or begins after, has lost records. */
  async #startOffsets(progress: ReadonlyMap<number, Progress>): Promise<Map<number, number>> {
    const topic = this.options.stages[0].reads.name;
    const offsets = await this.options.log.offsets(topic);
    const start = new Map<number, number>();
    for (const [partition, { nextOffset }] of progress) {
      const log = offsets.get(partition);
      if (nextOffset === null || log === undefined) continue;
      if (nextOffset > log.high || nextOffset < log.low) {
        throw new Error(`${topic}/${partition} holds offsets ${log.low} to ${log.high}, but ${this.name} stands at ${nextOffset}: records were lost, or the topic is another one. See docs/runbook.md, "The log and the database disagree".`);
      }
      start.set(partition, nextOffset);
    }
    return start;
  }

  /** What a former owner committed goes out before anything of ours: order is kept, repeats are harmless. */
  async #publishPending(partitions: readonly number[]): Promise<void> {
    const pending = await pendingOutbox(this.options.pool, this.#keyedNames[0] as string, partitions);
    for (const { records } of pending) await (this.#producer as LogProducer).send(records);
    this.#outboxIds = pending.map(({ id }) => id);
  }

  #enqueue(records: readonly LogRecord[]): Promise<void> {
    for (const record of records) {
      this.#queue.push(record);
      this.#queuedBytes += record.value?.length ?? 0;
    }
    this.#lastInputMs = Date.now();
    this.#wake();
    if (this.#queuedBytes < QUEUED_BYTES_MAX && this.#queue.length < QUEUED_RECORDS_MAX) return Promise.resolve();
    return new Promise((resolve) => this.#roomy.push(resolve));
  }

  #forgetQueue(): void {
    this.#queue = [];
    this.#queuedBytes = 0;
    for (const resume of this.#roomy.splice(0)) resume();
  }

  // --- the loop ---

  async #run(): Promise<void> {
    for (;;) {
      await this.#waitForWork();
      if (this.#stopping) return;
      const startedMs = performance.now();
      this.#turnMs = Date.now();
      await this.#alone(() => this.#turn());
      const restMs = Math.max(PACE_MS - (performance.now() - startedMs), this.#failures > 0 ? backoffMs(this.#failures) : 0);
      if (restMs > 0) await sleep(restMs);
    }
  }

  /** Batches and changes of ownership take turns. */
  #alone<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #turn(): Promise<void> {
    if (!this.#assigned || this.#lostMs !== null) return;
    const generation = this.#generation;
    try {
      if (this.#broken) await this.#rewind();
      if (generation !== this.#generation || this.#lostMs !== null) return;
      await this.#process(this.#takeBatch());
      this.#failures = 0;
    } catch (error) {
      this.#failed(error);
    }
  }

  async #waitForWork(): Promise<void> {
    while (!this.#stopping) {
      const able = this.#assigned && this.#lostMs === null;
      if (able && (this.#broken || this.#queue.length > 0 || this.#steps.some((step) => step.hasWork()))) return;
      this.#turnMs = Date.now();
      if (this.#lostMs !== null && Date.now() - this.#lostMs > LOST_MS_MAX) {
        this.options.onFatal(new Error(`${this.name} lost its partitions and was given none for ${LOST_MS_MAX} ms`));
      }
      if (able) this.#askForTime();
      await this.#commitToBroker(false);
      await this.#slept(IDLE_TICK_MS);
    }
  }

  /** Waits until woken, at most `ms`. */
  #slept(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.#assigned && this.#lostMs === null && this.#queue.length > 0) this.#wake();
    });
  }

  /** Ticks, where entries or timers wait and no traffic moves the watermark, and now and then when nothing comes. */
  #askForTime(): void {
    for (const step of this.#steps) {
      if (step instanceof FoldStep) this.#ticker.need(step.stage.name, step.waitsForMs());
      if (step instanceof RecordStep && step.stage.reads.name === inboundEvents.name) this.#ticker.need('inlet', this.#inletNeedsMs(step));
    }
  }

  /** Entries from one inlet partition wait behind until the others have passed their instant too. */
  #inletNeedsMs(step: RecordStep): number | null {
    const forwardedMs = Math.min(...step.forwardedMs().values());
    if (forwardedMs === Infinity) return null;
    if (forwardedMs > this.#lagging) this.#lagging = step.newestWorkMs;
    if (forwardedMs > this.#lagging) return this.#lastInputMs + IDLE_TICK_MS;
    return this.#queue.length > 0 ? null : Math.max(this.#lagging, Date.now() + LAG_MS - 1);
  }

  #takeBatch(): Batch {
    const narrow = this.#narrow > 0;
    const max = narrow ? 1 : BATCH_RECORDS_MAX;
    let count = 0;
    let bytes = 0;
    while (count < this.#queue.length && count < max && bytes < BATCH_BYTES_MAX) bytes += this.#queue[count++]?.value?.length ?? 0;
    const records = this.#queue.splice(0, count);
    this.#queuedBytes -= bytes;
    if (this.#queuedBytes < QUEUED_BYTES_MAX / 2) for (const resume of this.#roomy.splice(0)) resume();
    const batch: Batch = { records, flows: [], advances: [], writes: [], out: [], afterCommit: [], narrow };
    if (this.options.stages[0].kind !== 'records') batch.flows = this.#framesOf(records, batch);
    return batch;
  }

  #framesOf(records: readonly LogRecord[], batch: Batch): Batch['flows'] {
    return [...Map.groupBy(records, ({ partition }) => partition)].map(([partition, part]) => ({
      partition,
      parts: part.map((record) => ({ ...this.#frameOf(record, batch), recordOffset: record.offset })),
    }));
  }

  #frameOf(record: LogRecord, batch: Batch): Frame {
    try {
      return decodeFrame(record.value ?? Buffer.alloc(0));
    } catch {
      const { name } = this.options.stages[0];
      batch.out.push(parkRecord(name, 'unreadable_frame', record));
      this.options.observer.ending(name, 'park', 'unreadable_frame', 1);
      return { positions: new Map(), entries: [] };
    }
  }

  async #process(batch: Batch): Promise<void> {
    const startedMs = performance.now();
    for (const step of this.#steps) await step.run(batch);
    const out = [...batch.out, ...this.#framesOut(batch)];
    if (this.#keyed) await this.#commit(batch, out);
    else if (batch.writes.length > 0) await this.options.pool.query(joinWrites(batch.writes));
    await (this.#producer as LogProducer).send(out);
    for (const step of this.#steps) step.settled?.();
    for (const { partition, offset } of batch.records) {
      this.#commits.set(partition, offset + 1);
      this.#done.set(partition, offset + 1);
    }
    for (const done of batch.afterCommit) done();
    if (this.#narrow > 0) this.#narrow--;
    void this.#commitToBroker(false);
    this.#askForTime();
    this.options.observer.batch(this.name, batch.records.length, performance.now() - startedMs);
  }

  #framesOut(batch: Batch): OutRecord[] {
    const topic = this.options.stages[this.options.stages.length - 1]?.writes;
    if (topic === undefined || topic.carries !== 'frames') return [];
    return batch.flows.flatMap(({ partition, parts }) =>
      parts.flatMap((part) => packFrames(part.entries, part.positions).map((value) => ({ topic: topic.name, partition, key: null, value }))),
    );
  }

  async #commit(batch: Batch, out: readonly OutRecord[]): Promise<void> {
    if (batch.advances.length === 0 && batch.writes.length === 0 && out.length === 0) return;
    const stage = this.#keyedNames[0] as string;
    const partitions = batch.advances.filter((advance) => advance.stage === stage).map(({ from }) => from.partition);
    const writes = this.#outboxIds.length > 0 ? [...batch.writes, deleteOutbox(this.#outboxIds)] : batch.writes;
    const outbox = out.length > 0 ? insertOutbox(stage, partitions, out) : null;
    const { rows } = await this.options.pool.query<{ outbox_id: number | null }>(fencedStatement(batch.advances, writes, outbox));
    const id = rows[0]?.outbox_id ?? null;
    this.#outboxIds = id === null ? [] : [id];
  }

  // --- when the world or the data is broken ---

  #failed(error: unknown): void {
    if (isFenced(error)) {
      this.#loseOwnership();
      return;
    }
    this.#broken = true;
    this.#failures++;
    this.options.observer.failure(this.name, error, this.#failures);
    if (!isTransient(error)) this.#narrow = NARROW_BATCHES;
    if (this.#failures >= FAILURES_MAX) this.options.onFatal(error instanceof Error ? error : new Error(String(error)));
  }

  /** Somebody else commits for a partition of ours: stop until the group says anew what we own. */
  #loseOwnership(): void {
    this.#lostMs = Date.now();
    this.#forgetQueue();
    this.options.observer.lost(this.name);
  }

  /** An unknown outcome: forget everything and read again from where the database stands. */
  async #rewind(): Promise<void> {
    this.#forgetQueue();
    let start: ReadonlyMap<number, number>;
    if (this.#keyed) {
      const ours = await reread(this.options.pool, this.#keyedNames, this.#owned, this.#owner);
      if (ours === null) {
        this.#loseOwnership();
        return;
      }
      await this.#publishPending(this.#owned);
      start = await this.#adopt(ours);
    } else {
      start = await this.#committedOffsets();
    }
    this.#forgetQueue();
    for (const partition of this.#owned) this.#consumer?.seek(partition, start.get(partition) ?? 0);
    this.#broken = false;
  }

  /** Kafka's own offsets: for lag tools, and where stateless stages start. */
  async #commitToBroker(now: boolean): Promise<void> {
    if (this.#commits.size === 0 || (!now && Date.now() - this.#committedMs < COMMIT_EVERY_MS)) return;
    const commits = this.#commits;
    this.#commits = new Map();
    this.#committedMs = Date.now();
    // A commit refused by a rebalance is repeated by whoever owns the partition now.
    await this.#consumer?.commit(commits).catch(() => undefined);
  }
}

function backoffMs(failures: number): number {
  return Math.min(50 * 2 ** (failures - 1), FAILURE_DELAY_MS_MAX);
}
