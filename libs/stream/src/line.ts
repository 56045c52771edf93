import type { Pool } from '@tributary/postgres/pool';
import { joinWrites, type Write } from '@tributary/postgres/write';
import { Alarm } from './alarm.js';
import { Batch, type EndingCount, type Step } from './batch.js';
import { BrokerOffsets } from './broker-offsets.js';
import { canFollow } from './chain.js';
import { type Clock, systemClock } from './clock.js';
import { EntryStep } from './entry-step.js';
import { FoldStep } from './fold-step.js';
import { framesIn, framesOut } from './frame-flow.js';
import type { LineHealth, LineOptions } from './line-options.js';
import type { LogConsumer } from './log.js';
import { Ownership } from './ownership.js';
import { POISON } from './park.js';
import { isFenced } from './progress.js';
import { Publisher } from './publisher.js';
import { RecordQueue } from './record-queue.js';
import { RecordStep } from './record-step.js';
import type { LogRecord, Stage } from './stage.js';
import { Ticker } from './ticker.js';
import { isTransient } from './transient.js';

/** At least this long between the starts of two batches: cost is per batch, and under load batches grow by themselves. */
const PACE_MS = 5;
/**
 * A line rests as long as it has worked, at most this long, unless it is behind: the cores go to the stages that it feeds,
 * and its next batch carries more for the same cost.
 */
const REST_MS_MAX = 10;
const BEHIND_RECORDS = 200;
/** How often a line without work looks around. */
const REST_MS = 1_000;
const FAILURES_MAX = 20;
const FAILURE_DELAY_MS_MAX = 5_000;
/** A process that lost its partitions and is given none for this long ends. */
const LOST_MS_MAX = 60_000;
const STALLED_MS = 30_000;
/** Batches that go one unit at a time after one failed for a reason in its data. */
const NARROW_BATCHES = 256;
/** That many units set aside in a row are no bad data but a bad release: the process ends instead of emptying the log. */
const POISON_MAX = 100;

/**
 * One or several neighbouring stages in one process. A batch is everything fetched over all owned partitions; it runs
 * through the stages in memory and commits, when they are keyed, in one fenced statement, then is sent.
 */
export class Line {
  readonly name: string;
  readonly #steps: readonly [Step, ...Step[]];
  readonly #ownership: Ownership;
  readonly #publisher: Publisher;
  readonly #ticker: Ticker;
  readonly #brokerOffsets: BrokerOffsets;
  readonly #queue = new RecordQueue();
  readonly #alarm: Alarm;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  #consumer: LogConsumer | undefined;
  #loop: Promise<void> = Promise.resolve();
  /** What runs now: a batch or a change of ownership. */
  #last: Promise<unknown> = Promise.resolve();
  /** Counts what the group has said, so that what it said before is not acted on. */
  #assignment = 0;
  #state: 'joining' | 'working' | 'broken' | 'lost' = 'joining';
  #lostMs = 0;
  #failures = 0;
  #narrow = 0;
  #poisonInARow = 0;
  #turnMs: number;

  constructor(private readonly options: LineOptions) {
    const { stages, log, pool, inletPartitions, clock = systemClock } = options;
    stages.forEach((stage, index) => {
      if (!canFollow(stages.slice(0, index), stage)) throw new Error(`${stage.name} cannot run in one process behind ${stages.slice(0, index).map(({ name }) => name).join(', ')}`);
    });
    this.#clock = clock;
    this.#turnMs = clock.nowMs();
    this.#alarm = new Alarm(clock);
    this.#brokerOffsets = new BrokerOffsets(() => this.#consumer, clock);
    this.name = stages.map(({ name }) => name).join('+');
    this.#steps = stages.map((stage, index) => this.#stepOf(stage, index > 0)) as [Step, ...Step[]];
    this.#publisher = new Publisher(pool, () => log.producer(), stages.find(({ kind }) => kind !== 'entries')?.name ?? null, () => this.#alarm.ring());
    this.#ownership = new Ownership({ log, pool, stages, steps: this.#steps, publisher: this.#publisher });
    this.#ticker = new Ticker(() => log.producer(), inletPartitions, clock);
  }

  #stepOf(stage: Stage, chained: boolean): Step {
    const { pool, partitions, inletPartitions, statesMax, observer } = this.options;
    const probe = (writes: readonly Write[]) => tryOut(pool, writes);
    if (stage.kind === 'records') return new RecordStep(stage, { partitions, probe, clock: this.#clock });
    if (stage.kind === 'entries') return new EntryStep(stage, probe);
    const sources = stage.reads.sources === 'one' ? 1 : inletPartitions;
    return new FoldStep(stage, { pool, partitions, sources, chained, statesMax, probe, observer, clock: this.#clock });
  }

  async start(): Promise<void> {
    const { stages: [head], log, onFatal } = this.options;
    await log.producer();
    this.#consumer = await log.consume({
      group: head.name,
      topic: head.reads.name,
      onAssigned: (partitions) => this.#assign(partitions),
      onRecords: (_, records) => this.#receive(records),
      onFatal,
    });
    // Not before: who cannot seek yet could not read a failed batch again.
    this.#loop = this.#run();
  }

  /** Finishes the batch in hand, sends it, and leaves the group. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#ticker.stop();
    this.#queue.close();
    this.#alarm.ring();
    await this.#loop;
    await this.#alone(() => this.#publisher.forgetSent()).catch(() => undefined);
    await this.#brokerOffsets.tell();
    await this.#consumer?.stop();
  }

  health(): LineHealth {
    const now = this.#clock.nowMs();
    const live = now - this.#turnMs < STALLED_MS && now - (this.#consumer?.lastTurnMs() ?? now) < STALLED_MS;
    const partitions = this.#ownership.partitions.join(',') || 'none';
    return { ready: live && this.#state === 'working', live, detail: `${this.name}: ${this.#state}, partitions ${partitions}` };
  }

  /** Something outside the log is to be done (a definition changed): run a batch soon. */
  nudge(): void {
    this.#alarm.ring();
  }

  #receive(records: readonly LogRecord[]): Promise<void> {
    const room = this.#queue.push(records);
    this.#alarm.ring();
    return room;
  }

  /** The group gave us these partitions: nobody else can commit for them once this has resolved. */
  #assign(partitions: readonly number[]): Promise<ReadonlyMap<number, number>> {
    const assignment = ++this.#assignment;
    this.#state = 'joining';
    this.#queue.clear();
    return this.#alone(async () => {
      for (let failures = 1; ; failures++) {
        if (assignment !== this.#assignment) return new Map();
        try {
          await this.#publisher.arrived().catch(() => undefined);
          this.#brokerOffsets.forget();
          const start = await this.#ownership.take(partitions);
          this.#state = 'working';
          this.#failures = 0;
          this.#alarm.ring();
          return start;
        } catch (error) {
          if (!isTransient(error) || failures >= FAILURES_MAX || this.#stop.signal.aborted) throw error;
          this.options.observer.failure(this.name, error, failures);
          await this.#pause(backoffMs(failures));
        }
      }
    });
  }

  /** Batches and changes of ownership take turns. */
  #alone<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      this.#turnMs = this.#clock.nowMs();
      if (!this.#hasWork()) {
        await this.#rest();
        continue;
      }
      const startedMs = this.#clock.monotonicMs();
      await this.#alone(() => this.#turn());
      await this.#pause(Math.max(this.#restMs(this.#clock.monotonicMs() - startedMs), this.#failures > 0 ? backoffMs(this.#failures) : 0));
    }
  }

  /** How long after a batch the next one begins. */
  #restMs(workedMs: number): number {
    const isBehind = this.#queue.length >= BEHIND_RECORDS || this.#steps[0].isFull?.() === true;
    return Math.max(PACE_MS - workedMs, isBehind ? 0 : Math.min(workedMs, REST_MS_MAX));
  }

  #hasWork(): boolean {
    if (this.#state === 'broken') return true;
    if (this.#state !== 'working' || this.#ownership.partitions.length === 0) return false;
    return this.#queue.length > 0 || this.#publisher.hasFailed || this.#steps.some((step) => step.hasWork?.());
  }

  async #rest(): Promise<void> {
    if (this.#state === 'lost' && this.#clock.nowMs() - this.#lostMs > LOST_MS_MAX) {
      this.options.onFatal(new Error(`${this.name} lost its partitions and was given none for ${LOST_MS_MAX} ms`));
    }
    this.#askForTime();
    this.#brokerOffsets.tellNowAndThen();
    await this.#alarm.sleep(REST_MS);
  }

  async #pause(ms: number): Promise<void> {
    if (ms > 0) await this.#clock.sleep(ms, this.#stop.signal);
  }

  async #turn(): Promise<void> {
    try {
      if (this.#state === 'broken') await this.#rewind();
      if (this.#state !== 'working') return;
      await this.#process(this.#takeBatch());
      this.#failures = 0;
    } catch (error) {
      this.#failed(error);
    }
  }

  #takeBatch(): Batch {
    const narrow = this.#narrow > 0;
    // What waits inside comes first: in a narrow batch nothing else, so that a culprit is known by its failure.
    const wanted = this.#steps[0].isFull?.() || (narrow && this.#steps[0].hasWork?.()) ? 0 : narrow ? 1 : undefined;
    const batch = new Batch(this.#queue.take(wanted), narrow);
    if (this.options.stages[0].kind !== 'records') batch.flows = framesIn(batch, this.options.stages[0].name);
    return batch;
  }

  async #process(batch: Batch): Promise<void> {
    const startedMs = this.#clock.monotonicMs();
    for (const step of this.#steps) await step.run(batch);
    const { stages, observer } = this.options;
    const out = [...batch.out, ...framesOut(batch, stages[stages.length - 1]?.writes)];
    await this.#publisher.publish(batch, this.#ownership.partitions, out, () => this.#passed(batch));
    for (const step of this.#steps) step.settled?.();
    for (const done of batch.afterCommit) done();
    this.#askForTime();
    for (const { stage, ending, reason, count } of batch.endings.values()) observer.ending(stage, ending, reason, count);
    observer.batch(this.name, batch.records.length, this.#clock.monotonicMs() - startedMs);
    this.#countPoison([...batch.endings.values()], batch.narrow);
  }

  /** The batch has been dealt with: what it sent has arrived. */
  #passed(batch: Batch): void {
    for (const { partition, offset } of batch.records) {
      this.#ownership.passed(partition, offset + 1);
      this.#brokerOffsets.passed(partition, offset + 1);
    }
    this.#brokerOffsets.tellNowAndThen();
  }

  /** Ticks, where entries or timers wait and no traffic moves the watermark, and now and then when nothing comes. */
  #askForTime(): void {
    for (const step of this.#steps) this.#ticker.need(step.stage.name, this.#state === 'working' ? (step.needsTimeMs?.() ?? null) : null);
  }

  #failed(error: unknown): void {
    this.#state = 'broken';
    this.#failures++;
    if (!isFenced(error)) {
      this.options.observer.failure(this.name, error, this.#failures);
      if (!isTransient(error)) this.#narrow = NARROW_BATCHES;
    }
    if (this.#failures >= (this.options.failuresMax ?? FAILURES_MAX)) this.options.onFatal(error instanceof Error ? error : new Error(String(error)));
  }

  #countPoison(endings: readonly EndingCount[], narrow: boolean): void {
    if (this.#narrow > 0) this.#narrow--;
    const poison = endings.filter(({ reason }) => reason === POISON).reduce((sum, { count }) => sum + count, 0);
    if (poison > 0) this.#poisonInARow += poison;
    else if (!narrow || endings.length > 0) this.#poisonInARow = 0;
    if (this.#poisonInARow >= POISON_MAX) this.options.onFatal(new Error(`${this.name} could decide none of the last ${POISON_MAX} records: this release is at fault, not the data. See docs/runbook.md, "poison".`));
  }

  /** After an unknown outcome: forget everything and read again from where the database stands. */
  async #rewind(): Promise<void> {
    const assignment = this.#assignment;
    this.#queue.clear();
    await this.#publisher.arrived().catch(() => undefined);
    const start = await this.#ownership.retake();
    if (assignment !== this.#assignment) return;
    this.#queue.clear();
    if (start === null) {
      this.#state = 'lost';
      this.#lostMs = this.#clock.nowMs();
      this.options.observer.lost(this.name);
      return;
    }
    for (const [partition, offset] of start) this.#consumer?.seek(partition, offset);
    this.#state = 'working';
  }
}

/** Runs writes and takes them back. */
async function tryOut(pool: Pool, writes: readonly Write[]): Promise<void> {
  if (writes.length === 0) return;
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query(joinWrites(writes));
  } finally {
    await client.query('rollback').then(() => client.release(), (error: Error) => client.release(error));
  }
}

function backoffMs(failures: number): number {
  return Math.min(50 * 2 ** (failures - 1), FAILURE_DELAY_MS_MAX);
}
