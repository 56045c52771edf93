import type { Json } from '@tributary/contracts/rule';
import type { NamedEvent } from './computed.js';
import { type EngagementState, newEngagement } from './engagement.js';
import type { EventStamp } from './event-order.js';
import { newProfileState, type ProfileState } from './profile-state.js';
import { presentTraits, type Traits } from './traits.js';

/**
 * A state as bytes: JSON of short names, without what is empty. Instants that are "never" are null. Trait values stand
 * beside it in a column of their own; a state that moves to another profile carries them along (`whole`).
 */
interface Encoded {
  readonly v: 1;
  /** createdMs, updatedMs; null for a state without any entry. */
  readonly t: readonly [number | null, number | null];
  /** Events, orders. */
  readonly n?: readonly [number, number];
  /** First and last event: time, id, name. */
  readonly f?: EncodedEvent;
  readonly l?: EncodedEvent;
  /** Per identify event: time, id, names it set, names it removed. */
  readonly i?: readonly [timeMs: number, messageId: string, set: readonly string[], removed?: readonly string[]][];
  /** Trait values. */
  readonly x?: { readonly [name: string]: Json };
  /** Score, as of, next change. */
  readonly s?: readonly [number, number | null, number | null];
  /** Mails: id, delivered, opened, clicked. */
  readonly m?: readonly [emailId: string, delivered: number | null, opened?: number | null, clicked?: number | null][];
  /** Bursts of page views. */
  readonly p?: readonly number[];
  /** The newest of the mails forgotten. */
  readonly o?: number;
  readonly survivor?: string;
  readonly awaiting?: readonly string[];
  readonly held?: number;
  readonly absorbed?: readonly string[];
  readonly stragglers?: readonly string[];
}

type EncodedEvent = readonly [timeMs: number, messageId: string, name: string];

/** @param whole with trait values */
export function encodeState(state: ProfileState, whole = false): string {
  const { computed, engagement, traits, awaiting, absorbed, stragglers } = state;
  // Filled in field by field: this runs for every profile of every batch, and spreading objects would double its cost.
  const encoded: Writable<Encoded> = { v: 1, t: [finite(state.createdMs), finite(state.updatedMs)] };
  if (computed.events > 0) encoded.n = [computed.events, computed.orders];
  if (computed.first !== null) encoded.f = fromEvent(computed.first);
  if (computed.last !== null) encoded.l = fromEvent(computed.last);
  if (traits.size > 0) encoded.i = fromTraits(traits);
  if (traits.size > 0 && whole) encoded.x = presentTraits(traits);
  if (engagement !== null) {
    encoded.s = [state.scores.engagement, finite(state.scoredMs), state.dueMs];
    if (engagement.mails.size > 0) encoded.m = fromMails(engagement.mails);
    if (engagement.views.length > 0) encoded.p = engagement.views;
    if (engagement.forgottenMs > -Infinity) encoded.o = engagement.forgottenMs;
  }
  if (state.survivor !== null) encoded.survivor = state.survivor;
  if (awaiting.size > 0) encoded.awaiting = [...awaiting];
  if (awaiting.size > 0) encoded.held = state.heldMs;
  if (absorbed.length > 0) encoded.absorbed = absorbed;
  if (stragglers.length > 0) encoded.stragglers = stragglers;
  return JSON.stringify(encoded);
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/**
 * @param traits the values kept beside a state that is not whole
 * @throws Error for what no release has written
 */
export function decodeState(text: string, traits: { readonly [name: string]: Json } = {}): ProfileState {
  const encoded = JSON.parse(text) as Encoded;
  if (encoded.v !== 1) throw new Error(`a profile state of version ${String(encoded.v)} cannot be read by this release`);
  const state = newProfileState();
  const [createdMs, updatedMs] = encoded.t;
  const [events, orders] = encoded.n ?? [0, 0];
  const [engagement, scoredMs, dueMs] = encoded.s ?? [0, null, null];
  return Object.assign(state, {
    createdMs: createdMs ?? Infinity,
    updatedMs: updatedMs ?? -Infinity,
    computed: { events, orders, first: toEvent(encoded.f), last: toEvent(encoded.l) },
    traits: toTraits(encoded, traits),
    engagement: encoded.s === undefined ? null : toEngagement(encoded),
    scores: engagement === 0 ? state.scores : { engagement },
    scoredMs: scoredMs ?? -Infinity,
    dueMs,
    survivor: encoded.survivor ?? null,
    awaiting: new Set(encoded.awaiting),
    heldMs: encoded.held ?? -Infinity,
    absorbed: encoded.absorbed ?? [],
    stragglers: encoded.stragglers ?? [],
  } satisfies ProfileState);
}

function fromEvent({ timeMs, messageId, name }: NamedEvent): EncodedEvent {
  return [timeMs, messageId, name];
}

function toEvent(event: EncodedEvent | undefined): NamedEvent | null {
  return event === undefined ? null : { timeMs: event[0], messageId: event[1], name: event[2] };
}

/** Traits that one event set share its stamp, in memory and here. */
function fromTraits(traits: Traits): NonNullable<Encoded['i']> {
  const groups = new Map<EventStamp, [timeMs: number, messageId: string, set: string[], removed?: string[]]>();
  for (const [name, { stamp, value }] of traits) {
    let group = groups.get(stamp);
    if (group === undefined) groups.set(stamp, (group = [stamp.timeMs, stamp.messageId, []]));
    if (value === undefined) (group[3] ??= []).push(name);
    else group[2].push(name);
  }
  return [...groups.values()];
}

function toTraits(encoded: Encoded, beside: { readonly [name: string]: Json }): Traits {
  const values = encoded.x ?? beside;
  const traits: Traits = new Map();
  for (const [timeMs, messageId, set, removed] of encoded.i ?? []) {
    const stamp = { timeMs, messageId };
    for (const name of set) traits.set(name, { stamp, value: values[name] });
    for (const name of removed ?? []) traits.set(name, { stamp, value: undefined });
  }
  return traits;
}

function fromMails(mails: EngagementState['mails']): NonNullable<Encoded['m']> {
  const encoded: [string, number | null, (number | null)?, number?][] = [];
  for (const [id, { delivered, opened, clicked }] of mails) {
    if (clicked > -Infinity) encoded.push([id, finite(delivered), finite(opened), clicked]);
    else if (opened > -Infinity) encoded.push([id, finite(delivered), opened]);
    else encoded.push([id, finite(delivered)]);
  }
  return encoded;
}

function toEngagement({ m = [], p = [], o }: Encoded): EngagementState {
  const engagement = newEngagement();
  for (const [id, delivered, opened, clicked] of m) {
    engagement.mails.set(id, { delivered: delivered ?? -Infinity, opened: opened ?? -Infinity, clicked: clicked ?? -Infinity });
  }
  engagement.views.push(...p);
  engagement.forgottenMs = o ?? -Infinity;
  return engagement;
}

function finite(instantMs: number): number | null {
  return Number.isFinite(instantMs) ? instantMs : null;
}
