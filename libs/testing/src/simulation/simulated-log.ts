// A broker in memory, and what a client makes of it: appends, groups that move partitions about, reading with seeks.
import type { ConsumeOptions, Log, LogConsumer } from '@tributary/stream/log';
import { SerialProducer } from '@tributary/stream/serial-producer';
import type { LogRecord, OutRecord } from '@tributary/stream/stage';
import type { SimulatedProcess } from './simulated-process.js';
import type { Chance, VirtualTime } from './virtual-time.js';

export interface LogTrouble {
  /** A request fails before the broker has it; or some partitions have it and others not. */
  refused: number;
  /** The broker has it, but the answer is lost. */
  unanswered: number;
  /** An answer is given up, and the broker takes the request later. */
  belated: number;
  /** What was read is handed over a second time. */
  repeated: number;
}

const USUAL_MS = 2;
const LONG_MS = 60;
const BELATED_MS = 400;
const CLOCK_BACK_MS = 30;
const FETCHED_MAX = 40;
/** How long a group waits for a member that says nothing. */
const SESSION_MS = 3_000;

export interface World {
  readonly time: VirtualTime;
  readonly chance: Chance;
  readonly trouble: LogTrouble;
}

export class SimulatedBroker {
  readonly topics = new Map<string, LogRecord[][]>();
  readonly #groups = new Map<string, Group>();
  readonly committed = new Map<string, Map<number, number>>();
  readonly #waiting = new Set<() => void>();

  constructor(readonly world: World, topics: ReadonlyMap<string, number>) {
    for (const [name, partitions] of topics) this.topics.set(name, Array.from({ length: partitions }, () => []));
  }

  partition(topic: string, partition: number): LogRecord[] {
    const found = this.topics.get(topic)?.[partition];
    if (found === undefined) throw new Error(`there is no ${topic}/${partition}`);
    return found;
  }

  append(record: OutRecord): void {
    const partitions = this.topics.get(record.topic);
    if (partitions === undefined) throw new Error(`there is no topic ${record.topic}`);
    const partition = record.partition ?? hashOf(record.key) % partitions.length;
    const records = this.partition(record.topic, partition);
    // Each partition's leader has a clock of its own, and clocks go back.
    const backMs = this.world.chance.happens(0.02) ? this.world.chance.below(CLOCK_BACK_MS) : 0;
    records.push({ topic: record.topic, partition, offset: records.length, timestampMs: Math.floor(this.world.time.nowMs) - backMs, key: record.key, value: record.value, headers: record.headers ?? {} });
    for (const wake of [...this.#waiting]) wake();
  }

  onAppend(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => void this.#waiting.delete(wake);
  }

  group(name: string, topic: string): Group {
    const group = this.#groups.get(name) ?? new Group(this.world, (this.topics.get(topic) as LogRecord[][]).length);
    this.#groups.set(name, group);
    return group;
  }
}

interface Member {
  readonly process: SimulatedProcess;
  readonly assign: (partitions: readonly number[]) => void;
}

/** Who reads which partition. A member that is gone or silent is left out after a while; it may come back. */
class Group {
  readonly #members = new Set<Member>();
  #generation = 0;

  constructor(private readonly world: World, private readonly partitions: number) {}

  join(member: Member): () => void {
    const { time } = this.world;
    this.#members.add(member);
    this.#rebalance();
    const leave = (): void => {
      if (this.#members.delete(member)) this.#rebalance();
    };
    member.process.onDeath(() => void time.after(this.world.chance.between(20, SESSION_MS), leave));
    let silentSinceMs = Infinity;
    const watch = (): void => {
      if (!member.process.isAlive) return;
      silentSinceMs = member.process.isSuspended ? Math.min(silentSinceMs, time.nowMs) : Infinity;
      if (time.nowMs - silentSinceMs > SESSION_MS) leave();
      else if (!member.process.isSuspended && !hasLeft && !this.#members.has(member)) {
        this.#members.add(member);
        this.#rebalance();
      }
      time.after(SESSION_MS / 3, watch);
    };
    let hasLeft = false;
    time.after(SESSION_MS / 3, watch);
    return () => {
      hasLeft = true;
      leave();
    };
  }

  /** Members hear of it one after the other: meanwhile who had a partition goes on with it. */
  #rebalance(): void {
    const generation = ++this.#generation;
    const members = [...this.#members];
    const shift = this.world.chance.below(Math.max(1, members.length));
    members.forEach((member, index) => {
      const partitions = Array.from({ length: this.partitions }, (_, partition) => partition).filter((partition) => (partition + shift) % members.length === index);
      member.process.after(this.world.chance.between(1, 60), () => {
        if (generation === this.#generation) member.assign(partitions);
      });
    });
  }
}

/** What one process has of the broker. */
export function simulatedLog(process: SimulatedProcess, broker: SimulatedBroker): Log {
  const { world: { time, chance, trouble } } = broker;
  const request = (records: readonly OutRecord[]): Promise<void> =>
    new Promise((resolve, reject) => {
      const fail = (): void => void process.after(chance.delayMs(USUAL_MS, LONG_MS), () => reject(Object.assign(new Error('no answer'), { name: 'KafkaJSConnectionError' })));
      const isRefused = chance.happens(trouble.refused);
      const isBelated = chance.happens(trouble.belated);
      const isUnanswered = chance.happens(trouble.unanswered);
      if (isBelated) fail();
      time.after(chance.delayMs(USUAL_MS, LONG_MS) + (isBelated ? chance.between(0, BELATED_MS) : 0), () => {
        // A request is taken partition by partition: what fails may have been taken in part.
        for (const [, part] of Map.groupBy(records, ({ topic, partition }) => `${topic} ${partition ?? '-'}`)) {
          if (!isRefused || chance.happens(0.4)) for (const record of part) broker.append(record);
        }
        if (isBelated) return;
        if (isRefused || isUnanswered) fail();
        else process.after(chance.delayMs(USUAL_MS, LONG_MS), resolve);
      });
    });
  const producer = new SerialProducer(request);
  const later = <Result>(answer: () => Result): Promise<Result> => new Promise((resolve) => void process.after(chance.delayMs(USUAL_MS, LONG_MS), () => resolve(answer())));
  return {
    producer: async () => producer,
    consume: async (options) => new Reading(process, broker, options),
    tail: () => Promise.reject(new Error('nothing is tailed here')),
    ensureTopics: async () => undefined,
    offsets: (topic) => later(() => new Map((broker.topics.get(topic) as LogRecord[][]).map((records, partition) => [partition, { low: 0, high: records.length }]))),
    committed: (group) => later(() => new Map(broker.committed.get(group) ?? [])),
    close: async () => undefined,
  };
}

interface Reader {
  next: number;
  isBusy: boolean;
}

/** Keeps to the port's promises: in order, once for every assignment and seek, one hand-over at a time. */
class Reading implements LogConsumer {
  #readers = new Map<number, Reader>();
  #assignment = 0;
  #isStopped = false;
  readonly #leave: () => void;
  readonly #forget: () => void;

  constructor(private readonly process: SimulatedProcess, private readonly broker: SimulatedBroker, private readonly options: ConsumeOptions) {
    this.#leave = broker.group(options.group, options.topic).join({ process, assign: (partitions) => void this.#assign(partitions) });
    this.#forget = broker.onAppend(() => this.#readAll());
    process.onDeath(this.#forget);
  }

  async #assign(partitions: readonly number[]): Promise<void> {
    const assignment = ++this.#assignment;
    this.#readers = new Map();
    try {
      const start = await this.options.onAssigned(partitions);
      if (assignment !== this.#assignment || this.#isStopped) return;
      this.#readers = new Map([...start].map(([partition, next]) => [partition, { next, isBusy: false }]));
      this.#readAll();
    } catch (error) {
      this.options.onFatal(error as Error);
    }
  }

  #readAll(): void {
    for (const [partition, reader] of this.#readers) this.#read(partition, reader);
  }

  #read(partition: number, reader: Reader): void {
    if (reader.isBusy || this.#isStopped || reader.next >= this.broker.partition(this.options.topic, partition).length) return;
    const { chance, trouble } = this.broker.world;
    reader.isBusy = true;
    this.process.after(chance.delayMs(USUAL_MS, LONG_MS), () => {
      if (this.#isStale(partition, reader)) return;
      const from = chance.happens(trouble.repeated) ? Math.max(0, reader.next - chance.below(5)) : reader.next;
      const records = this.broker.partition(this.options.topic, partition).slice(from, from + 1 + chance.below(FETCHED_MAX));
      reader.next = Math.max(reader.next, from + records.length);
      void this.options.onRecords(partition, records).then(() => {
        reader.isBusy = false;
        if (!this.#isStale(partition, reader)) this.#read(partition, reader);
      });
    });
  }

  #isStale(partition: number, reader: Reader): boolean {
    return this.#isStopped || this.#readers.get(partition) !== reader;
  }

  seek(partition: number, offset: number): void {
    if (!this.#readers.has(partition)) return;
    const reader = { next: offset, isBusy: false };
    this.#readers.set(partition, reader);
    this.#read(partition, reader);
  }

  commit(offsets: ReadonlyMap<number, number>): Promise<void> {
    const { time, chance } = this.broker.world;
    return new Promise((resolve) => {
      time.after(chance.delayMs(USUAL_MS, LONG_MS), () => {
        const known = this.broker.committed.get(this.options.group) ?? new Map<number, number>();
        this.broker.committed.set(this.options.group, known);
        for (const [partition, next] of offsets) known.set(partition, next);
        this.process.after(1, resolve);
      });
    });
  }

  lastTurnMs(): number {
    return this.process.clock.nowMs();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#forget();
    this.#leave();
  }
}

function hashOf(key: Buffer | null): number {
  let hash = 7;
  for (const byte of key ?? []) hash = (hash * 31 + byte) >>> 0;
  return hash;
}
