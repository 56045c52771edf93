// What happens beside the events: people withdraw, strangers prove to be one, segments are edited and defined.
import { setTimeout as sleep } from 'node:timers/promises';
import { randomOf } from '../bench/workload.ts';
import type { Admin } from './admin.ts';
import type { Load } from './load.ts';
import { editedSegment, LATER_SEGMENT, type Part, type Person } from './scene.ts';

/** Epoch ms: asked and answered. */
export interface Withdrawal {
  readonly askedMs: number;
  readonly answeredMs: number;
}

const PAUSE_MS = 1_500;
const EDIT_EVERY = 6;
const LATER_AT = 8;

export class Story {
  /** By user id. */
  readonly mailWithdrawals = new Map<string, Withdrawal>();
  readonly trackingWithdrawals = new Map<string, Withdrawal>();
  edits = 0;
  isLaterDefined = false;
  readonly #people: readonly Person[];
  readonly #admin: Admin;
  readonly #load: Load;
  readonly #random: () => number;
  #loop: Promise<void> = Promise.resolve();
  #over = false;
  #steps = 0;

  constructor({ people, admin, load, seed }: { readonly people: readonly Person[]; readonly admin: Admin; readonly load: Load; readonly seed: number }) {
    this.#people = people;
    this.#admin = admin;
    this.#load = load;
    this.#random = randomOf(seed + 2);
  }

  start(): void {
    this.#loop = this.#run();
    // Told by `stop`; until then it must not end the process.
    this.#loop.catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.#over = true;
    await this.#loop;
    if (!this.isLaterDefined) await this.#defineLater();
  }

  async #run(): Promise<void> {
    while (!this.#over) {
      await sleep(PAUSE_MS * (0.5 + this.#random()));
      await this.#step(++this.#steps);
    }
  }

  async #step(step: number): Promise<void> {
    if (step === LATER_AT) await this.#defineLater();
    if (step % EDIT_EVERY === 0) await this.#edit();
    const stranger = this.#pick('merges', (person) => this.#load.source.isLinked(person));
    if (stranger !== undefined && step % 2 === 0) this.#load.send([this.#load.source.link(stranger, Date.now())]);
    if (step % 3 === 0) await this.#withdraw('withdraws-mail', 'email_marketing', this.mailWithdrawals);
    if (step % 5 === 0) await this.#withdraw('withdraws-tracking', 'behavioural_tracking', this.trackingWithdrawals);
  }

  async #edit(): Promise<void> {
    await this.#admin.edit(editedSegment(2 + Math.floor(this.#random() * 8)));
    this.edits++;
  }

  async #defineLater(): Promise<void> {
    await this.#admin.define(LATER_SEGMENT);
    this.isLaterDefined = true;
  }

  async #withdraw(part: Part, purpose: string, done: Map<string, Withdrawal>): Promise<void> {
    const person = this.#pick(part, ({ userId }) => done.has(userId));
    if (person === undefined) return;
    const askedMs = Date.now();
    await this.#admin.withdraw(person.userId, purpose);
    done.set(person.userId, { askedMs, answeredMs: Date.now() });
  }

  #pick(part: Part, isDone: (person: Person) => boolean): Person | undefined {
    const left = this.#people.filter((person) => person.part === part && !isDone(person));
    return left[Math.floor(this.#random() * left.length)];
  }
}
