// A deterministic simulation of lines: the real Line with everything in it, over a log, a database and a time of our own.
// One seed is one story of crashes, suspensions, lost answers, outages, rebalances and repeats.
import { parkedTopic } from '@tributary/contracts/topics/flow';
import { eventsConsented } from '@tributary/contracts/topics/events-consented';
import { eventsReceived } from '@tributary/contracts/topics/events-received';
import { inboundEvents } from '@tributary/contracts/topics/inbound-events';
import { profilesScored } from '@tributary/contracts/topics/profiles-scored';
import { segmentsChanged } from '@tributary/contracts/topics/segments-changed';
import { Line } from '@tributary/stream/line';
import type { LineObserver } from '@tributary/stream/line-options';
import { LogDisagrees } from '@tributary/stream/ownership';
import { checkOutput, checkTallies, isSettled } from './check-story.js';
import type { Inlet } from './expected-story.js';
import { type DatabaseTrouble, simulatedPool } from './simulated-database.js';
import { type LineShape, lineShapes } from './simulated-lines.js';
import { type LogTrouble, SimulatedBroker, simulatedLog } from './simulated-log.js';
import { SimulatedProcess } from './simulated-process.js';
import { type MissingGuard, SimulatedTables } from './simulated-tables.js';
import { Chance, VirtualTime } from './virtual-time.js';

export interface StoryOptions {
  readonly seed: number;
  /** A guard in the database that is left out. */
  readonly without?: MissingGuard;
}

export interface Story {
  readonly seed: number;
  readonly steps: number;
  /** What happened, counted by its name. */
  readonly happened: Readonly<Record<string, number>>;
  /** What is wrong; empty when nothing is. */
  readonly wrong: readonly string[];
  /** The same in two runs of one seed. */
  readonly trace: string;
}

const LOAD_MS = 12_000;
/** Troubles end after this long, and everything must come right by itself within the rest. */
const TROUBLE_MS = 15_000;
const SETTLE_MS = 180_000;
const AFTER_MS = 3_000;
const LOOK_EVERY_MS = 500;
const SKEW_MS = 1_500;
const INSTANCES_MAX = 12;

export function simulate({ seed, without }: StoryOptions): Promise<Story> {
  return new Simulation(seed, without).run();
}

interface Instance {
  readonly shape: LineShape;
  process: SimulatedProcess;
  line: Line;
}

class Simulation {
  readonly #time = new VirtualTime();
  readonly #chance: Chance;
  readonly #tables: SimulatedTables;
  readonly #broker: SimulatedBroker;
  readonly #partitions: number;
  readonly #inletPartitions: number;
  readonly #databaseTrouble: DatabaseTrouble = { refused: 0, unanswered: 0, belated: 0 };
  readonly #logTrouble: LogTrouble = { refused: 0, unanswered: 0, belated: 0, repeated: 0 };
  readonly #instances: Instance[] = [];
  readonly #happened: Record<string, number> = {};
  readonly #wrong: string[] = [];
  readonly #startMs = this.#time.nowMs;
  #lives = 0;

  constructor(private readonly seed: number, without?: MissingGuard) {
    this.#chance = new Chance(seed);
    this.#tables = new SimulatedTables(without);
    this.#partitions = this.#chance.one([1, 2, 4]);
    this.#inletPartitions = this.#chance.one([1, 2, 3]);
    const inner = [eventsReceived, eventsConsented, profilesScored, segmentsChanged].map(({ name }) => [name, this.#partitions] as const);
    const parked = (['ingestion', 'consent', 'scoring', 'segmentation'] as const).map((stage) => [parkedTopic(stage).name, 1] as const);
    const world = { time: this.#time, chance: this.#chance, trouble: this.#logTrouble };
    this.#broker = new SimulatedBroker(world, new Map([[inboundEvents.name, this.#inletPartitions], ...inner, ...parked]));
  }

  async run(): Promise<Story> {
    for (const shape of lineShapes(this.#chance)) for (let count = 1 + this.#chance.below(3); count > 0; count--) this.#start(shape);
    this.#sendLoad();
    this.#calm();
    this.#makeTrouble();
    await this.#until(() => this.#elapsedMs() > TROUBLE_MS);
    Object.assign(this.#databaseTrouble, { refused: 0, unanswered: 0, belated: 0 });
    Object.assign(this.#logTrouble, { refused: 0, unanswered: 0, belated: 0, repeated: 0 });
    await this.#settle();
    this.#wrong.push(...checkTallies(this.#tables, this.#inlet()), ...checkOutput(this.#broker, this.#inlet()));
    for (const stage of ['ingestion', 'consent', 'scoring', 'segmentation'] as const) this.#count('parked', this.#broker.partition(parkedTopic(stage).name, 0).length);
    if ((this.#happened['parked'] ?? 0) > 0) this.#wrong.push(`${this.#happened['parked']} records were parked`);
    for (const { process } of this.#instances) process.kill();
    const trace = JSON.stringify([this.#time.steps, this.#time.nowMs, [...this.#broker.topics].map(([, partitions]) => partitions.map(({ length }) => length))]);
    return { seed: this.seed, steps: this.#time.steps, happened: this.#happened, wrong: this.#wrong, trace };
  }

  async #settle(): Promise<void> {
    let isDone = false;
    const look = (): void => {
      isDone = isSettled(this.#tables, this.#inlet());
      if (!isDone) this.#time.after(LOOK_EVERY_MS, look);
    };
    look();
    await this.#until(() => isDone || this.#elapsedMs() > SETTLE_MS);
    // What is sent twice, or too much, may still be under way.
    const settledMs = this.#time.nowMs;
    await this.#until(() => this.#time.nowMs > settledMs + AFTER_MS);
  }

  #elapsedMs(): number {
    return this.#time.nowMs - this.#startMs;
  }

  async #until(isTrue: () => boolean): Promise<void> {
    while (!isTrue() && (await this.#time.step()));
  }

  #inlet(): Inlet {
    return this.#broker.topics.get(inboundEvents.name) ?? [];
  }

  #count(what: string, by = 1): void {
    this.#happened[what] = (this.#happened[what] ?? 0) + by;
  }

  #start(shape: LineShape): void {
    this.#instances.push({ shape, ...this.#live(shape) });
  }

  /** A new life: nothing is left of the one before but what the database and the broker have. */
  #live(shape: LineShape): Pick<Instance, 'process' | 'line'> {
    const process = new SimulatedProcess(`life ${++this.#lives}`, this.#time, this.#chance.between(-SKEW_MS, SKEW_MS));
    const pool = simulatedPool(process, this.#tables, { time: this.#time, chance: this.#chance, trouble: this.#databaseTrouble });
    const line = new Line({
      stages: shape(pool, process), pool, log: simulatedLog(process, this.#broker), clock: process.clock,
      partitions: this.#partitions, inletPartitions: this.#inletPartitions, statesMax: this.#chance.one([2, 10_000]),
      observer: this.#observer,
      onFatal: (error) => {
        if (!process.isAlive) return;
        this.#count('fatal');
        if (error instanceof LogDisagrees) this.#wrong.push(error.message);
        this.#replace(process);
      },
    });
    void line.start();
    return { process, line };
  }

  readonly #observer: LineObserver = {
    ending: () => undefined,
    watermark: () => undefined,
    batch: () => this.#count('batches'),
    failure: () => this.#count('failures'),
    lost: () => this.#count('lost'),
  };

  #replace(process: SimulatedProcess): void {
    process.kill();
    const instance = this.#instances.find((one) => one.process === process) as Instance;
    this.#time.after(this.#chance.between(1, 3_000), () => void Object.assign(instance, this.#live(instance.shape)));
  }

  /** Bursts and pauses, a few people, any inlet partition; the broker's clock goes back now and then. */
  #sendLoad(): void {
    const people = 2 + this.#chance.below(7);
    const send = (): void => {
      if (this.#elapsedMs() > LOAD_MS) return;
      const value = Buffer.from(`p${this.#chance.below(people)}`);
      this.#broker.append({ topic: inboundEvents.name, partition: this.#chance.below(this.#inletPartitions), key: null, value });
      this.#time.after(this.#chance.happens(0.3) ? 0 : this.#chance.delayMs(60, 2_500), send);
    };
    send();
  }

  /** What goes wrong at any time. */
  #calm(): void {
    const often = this.#chance.one([0, 0.005, 0.03]);
    Object.assign(this.#databaseTrouble, { refused: often, unanswered: often, belated: often });
    Object.assign(this.#logTrouble, { refused: often, unanswered: often, belated: often, repeated: often });
  }

  /** Something happens to somebody, several times a second. */
  #makeTrouble(): void {
    const everyMs = this.#chance.one([150, 500, 2_000]);
    const next = (): void => {
      if (this.#elapsedMs() > TROUBLE_MS) return;
      this.#happen();
      this.#time.after(this.#chance.between(0, 2 * everyMs), next);
    };
    this.#time.after(300, next);
  }

  #happen(): void {
    const instance = this.#chance.one(this.#instances);
    const { process, line } = instance;
    const kind = this.#chance.below(11);
    if (kind < 3) {
      this.#count('crash');
      if (process.isAlive) this.#replace(process);
    } else if (kind < 6) {
      this.#count('suspended');
      process.suspend(this.#chance.delayMs(300, 9_000));
    } else if (kind === 6) {
      this.#count('stopped');
      void line.stop().then(() => process.isAlive && this.#replace(process));
    } else if (kind === 7 && this.#instances.length < INSTANCES_MAX) {
      this.#count('joined');
      this.#start(instance.shape);
    } else if (kind === 8) {
      this.#count('hiccup');
      process.wantHiccup();
    } else if (kind === 9) {
      this.#count('database out');
      this.#out(this.#databaseTrouble);
    } else {
      this.#count('broker out');
      this.#out(this.#logTrouble);
    }
  }

  #out(trouble: { refused: number }): void {
    const before = trouble.refused;
    if (before === 1) return;
    trouble.refused = 1;
    this.#time.after(this.#chance.delayMs(200, 3_000), () => void (trouble.refused = Math.min(trouble.refused, before)));
  }
}
