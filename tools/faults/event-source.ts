// The events of a run, one after the other: what they say is a function of the seed; their times are relative to now.
import { randomOf } from '../bench/workload.ts';
import type { Person } from './scene.ts';

export interface Message {
  readonly type: string;
  readonly messageId: string;
  readonly [field: string]: unknown;
}

export interface MadeEvent {
  readonly message: Message;
  readonly person: Person;
  /** Reports of one fact have this in common, whatever their message ids. */
  readonly fact: string | null;
}

const SECOND_MS = 1_000;
const TWIN_EVENTS = 8;

export class EventSource {
  readonly #random: () => number;
  readonly #run: string;
  readonly #people: readonly Person[];
  readonly #linked = new Set<Person>();
  #count = 0;
  #orders = 0;

  constructor(people: readonly Person[], run: string, seed: number) {
    this.#people = people;
    this.#run = run;
    this.#random = randomOf(seed);
  }

  /** One event, two where a fact is reported twice. Twins come in bursts of their own. */
  next(nowMs: number): MadeEvent[] {
    const random = this.#random;
    // Most of what happens, happens to few; the rest is quiet long enough for windows to run out.
    const person = this.#people[Math.floor(this.#people.length * random() ** 2)] as Person;
    if (person.twin !== null) return random() < 0.1 ? this.#twins(person, nowMs) : [];
    const who = this.#whoOf(person);
    const kind = random();
    if (kind < 0.7) return [this.#make(person, { type: 'track', event: 'Clicked', ...who, ...this.#when(nowMs) })];
    if (kind < 0.82) return [this.#make(person, { type: 'track', event: 'Purchased', properties: { amount: Math.floor(random() * 60) }, ...who, ...this.#when(nowMs) })];
    if (kind < 0.92) return [this.#make(person, { type: 'page', name: 'Home', ...who, timestamp: iso(nowMs - Math.floor(random() * 6 * 3_600) * SECOND_MS) })];
    if (kind < 0.96) return [this.#make(person, { type: 'identify', traits: { plan: random() < 0.5 ? 'pro' : 'free' }, ...who, ...this.#when(nowMs) })];
    const fact = `${this.#run}-o${this.#orders++}`;
    const order = { type: 'track', event: 'Order Completed', properties: { order_id: fact }, ...who, ...this.#when(nowMs) };
    return random() < 0.5 ? [this.#make(person, order, fact)] : [this.#make(person, order, fact), this.#make(person, order, fact)];
  }

  /** Two who were strangers are one from now on. */
  link(person: Person, nowMs: number): MadeEvent {
    this.#linked.add(person);
    return this.#make(person, { type: 'identify', userId: person.userId, anonymousId: person.anonymousId, traits: { linked: true }, timestamp: iso(nowMs) });
  }

  isLinked(person: Person): boolean {
    return this.#linked.has(person);
  }

  /** The first that is known of a person: an address, a plan, and a consent. */
  introduce(person: Person, nowMs: number): MadeEvent[] {
    const users = person.twin === null ? [person.userId] : [person.userId, person.twin];
    return users.flatMap((userId) => [
      this.#make(person, { type: 'identify', userId, traits: { email: userId === person.userId ? person.email : `${userId}@example.com`, plan: 'free' }, timestamp: iso(nowMs) }),
      this.#make(person, { type: 'track', event: 'Consent Updated', userId, properties: { purpose: 'email_marketing', decision: 'granted', source: 'faults', textVersion: '1' }, timestamp: iso(nowMs) }),
    ]);
  }

  /** The same past for both, to the millisecond, in another order. */
  #twins(person: Person, nowMs: number): MadeEvent[] {
    const past = Array.from({ length: TWIN_EVENTS }, () => ({ event: this.#random() < 0.7 ? 'Clicked' : 'Purchased', timestamp: iso(nowMs - 2_000 - Math.floor(this.#random() * 30_000)), properties: { amount: 25 } }));
    const second = past.toSorted(() => this.#random() - 0.5);
    return [...past.map((one) => this.#make(person, { type: 'track', userId: person.userId, ...one })), ...second.map((one) => this.#make(person, { type: 'track', userId: person.twin, ...one }))];
  }

  #whoOf(person: Person): object {
    if (person.anonymousId === null) return { userId: person.userId };
    // Before the link the two are two profiles; afterwards either name means the same person.
    return this.#random() < 0.5 ? { userId: person.userId } : { anonymousId: person.anonymousId };
  }

  /** On time, late by seconds or minutes, from the future, or without a time of its own. */
  #when(nowMs: number): object {
    const random = this.#random;
    const kind = random();
    if (kind < 0.72) return { timestamp: iso(nowMs) };
    if (kind < 0.9) return { timestamp: iso(nowMs - Math.floor(random() * 8 * SECOND_MS)) };
    if (kind < 0.95) return { timestamp: iso(nowMs - Math.floor(random() * 600 * SECOND_MS)) };
    if (kind < 0.97) return { timestamp: iso(nowMs + 86_400 * SECOND_MS) };
    return {};
  }

  #make(person: Person, fields: { readonly type: string; readonly [field: string]: unknown }, fact: string | null = null): MadeEvent {
    return { person, fact, message: { ...fields, messageId: `${this.#run}-${this.#count++}` } };
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
