// The load of a run: events through both doors, some of them twice, until it is told to stop.
import { setTimeout as sleep } from 'node:timers/promises';
import { randomOf } from '../bench/workload.ts';
import type { AcceptedLog } from './accepted-log.ts';
import type { Door, Doors } from './doors.ts';
import { EventSource, type MadeEvent } from './event-source.ts';
import type { Person } from './scene.ts';

export interface LoadOptions {
  readonly people: readonly Person[];
  readonly doors: Doors;
  readonly accepted: AcceptedLog;
  readonly run: string;
  readonly seed: number;
  readonly perSecond: number;
}

const BATCH_EVENTS = 12;
const HTTP_SHARE = 0.35;
/** Batches that are handed in a second time, at once or seconds later. */
const REPEATED_SHARE = 0.12;
/** Unanswered batches at most: behind a door that stays shut nothing more is made. */
const WAITING_MAX = 150;
const DRAIN_MS_MAX = 120_000;

export class Load {
  readonly source: EventSource;
  readonly #options: LoadOptions;
  readonly #random: () => number;
  readonly #waiting = new Set<Promise<void>>();
  #loop: Promise<void> = Promise.resolve();
  #over = false;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.source = new EventSource(options.people, options.run, options.seed);
    this.#random = randomOf(options.seed + 1);
  }

  /** Everybody, with an address and a consent; resolves once it is accepted. */
  async introduce(): Promise<void> {
    const now = Date.now();
    await this.#options.doors.deliver(this.#options.people.flatMap((person) => this.source.introduce(person, now)), () => 'kafka');
  }

  start(): void {
    this.#loop = this.#run();
  }

  send(events: readonly MadeEvent[]): void {
    const waiting = this.#options.doors.deliver(events, this.#choose).finally(() => this.#waiting.delete(waiting));
    this.#waiting.add(waiting);
  }

  /** Nothing new; resolves once everything that was begun is accepted. */
  async stop(): Promise<void> {
    this.#over = true;
    await this.#loop;
    const late = sleep(DRAIN_MS_MAX, 'late' as const, { ref: false });
    if ((await Promise.race([Promise.all(this.#waiting), late])) === 'late') throw new Error(`${this.#waiting.size} batches were accepted by no door within ${DRAIN_MS_MAX} ms`);
  }

  readonly #choose = (): Door => (this.#random() < HTTP_SHARE ? 'http' : 'kafka');

  async #run(): Promise<void> {
    const pauseMs = (1_000 * BATCH_EVENTS) / this.#options.perSecond;
    while (!this.#over) {
      if (this.#waiting.size < WAITING_MAX) this.#sendBatch();
      await sleep(pauseMs);
    }
  }

  #sendBatch(): void {
    const events: MadeEvent[] = [];
    while (events.length < BATCH_EVENTS) events.push(...this.source.next(Date.now()));
    this.send(events);
    if (this.#random() >= REPEATED_SHARE) return;
    const waitMs = this.#random() < 0.5 ? 0 : this.#random() * 5_000;
    const again = sleep(waitMs).then(() => this.#options.doors.deliver(events, this.#choose)).finally(() => this.#waiting.delete(again));
    this.#waiting.add(again);
  }
}
