import { type Computed, countEvent, newComputed, uniteComputed } from './computed.js';
import { addMail, addPageView, type EngagementState, type MailFact, newEngagement, nextChangeMs, prune, scoreAt, unite } from './engagement.js';
import type { EventStamp } from './event-order.js';
import type { EngagementModel } from './score-model.js';
import { identify, type Traits, uniteTraits } from './traits.js';
import type { EventFacts } from './read-facts.js';

/** By score key, in millionths. */
export type Scores = { readonly engagement: number };

/** All that scoring remembers of one profile. Instants are epoch ms. */
export interface ProfileState {
  /** Append time of the first entry; Infinity before it. */
  createdMs: number;
  /** Append time of the newest entry. */
  updatedMs: number;
  readonly computed: Computed;
  readonly traits: Traits;
  /** Null until the first event that the score sees: most profiles never have one. */
  engagement: EngagementState | null;
  scores: Scores;
  /** The instant as of which `scores` was reckoned. */
  scoredMs: number;
  /** The next instant at which the score changes by time alone; null: never. */
  dueMs: number | null;
  /** Merged into this profile; nothing else in the state counts any more. */
  survivor: string | null;
  /** Profiles merged into this one whose state has not arrived. While there are any, nothing runs out. */
  readonly awaiting: Set<string>;
  /** Since when nothing runs out; meaningful while `awaiting` is not empty. */
  heldMs: number;
  /** Profiles whose state has arrived, newest last: a state that comes twice is counted once. */
  absorbed: readonly string[];
  /** Events that came from merged profiles on their own, newest last: likewise. */
  stragglers: readonly string[];
}

/** A repetition follows within seconds; this many merges of one profile do not. */
const REMEMBERED_MAX = 64;

const NO_SCORES: Scores = { engagement: 0 };

export function newProfileState(): ProfileState {
  return {
    createdMs: Infinity, updatedMs: -Infinity, computed: newComputed(), traits: new Map(), engagement: null,
    scores: NO_SCORES, scoredMs: -Infinity, dueMs: null,
    survivor: null, awaiting: new Set(), heldMs: -Infinity, absorbed: [], stragglers: [],
  };
}

/** An event as the fold sees it: the parts of its header that count, and what its body says. */
export interface KnownEvent {
  readonly name: string;
  readonly stamp: EventStamp;
  readonly facts: EventFacts;
}

/** Notes that an entry of the profile became known at `atMs`. */
export function noteEntry(state: ProfileState, atMs: number): void {
  if (atMs < state.createdMs) state.createdMs = atMs;
  if (atMs > state.updatedMs) state.updatedMs = atMs;
}

export interface Effect {
  readonly traitsChanged: boolean;
  /** The score must be reckoned anew: call `settle`. */
  readonly scoreTouched: boolean;
}

const NO_EFFECT: Effect = { traitsChanged: false, scoreTouched: false };
const TRAITS_ONLY: Effect = { traitsChanged: true, scoreTouched: false };
const SCORE_ONLY: Effect = { traitsChanged: false, scoreTouched: true };

/** Adds one event. Each event is given once; the order does not matter. */
export function addEvent(state: ProfileState, { name, stamp, facts }: KnownEvent, model: EngagementModel): Effect {
  if (name !== '') countEvent(state.computed, { timeMs: stamp.timeMs, messageId: stamp.messageId, name });
  switch (facts.kind) {
    case 'nothing':
      return NO_EFFECT;
    case 'traits':
      return identify(state.traits, facts.traits, stamp) ? TRAITS_ONLY : NO_EFFECT;
    case 'page-view':
      addPageView((state.engagement ??= newEngagement()), stamp.timeMs, model);
      return SCORE_ONLY;
    case 'mail':
      addMail((state.engagement ??= newEngagement()), facts.emailId, facts.fact satisfies MailFact, stamp.timeMs);
      return SCORE_ONLY;
  }
}

/** Reckons the score at `atMs` and when it changes next. While states are awaited, nothing has run out since. */
export function settle(state: ProfileState, atMs: number, model: EngagementModel): void {
  if (state.engagement === null) return;
  const clockMs = state.awaiting.size > 0 ? Math.min(state.heldMs, atMs) : atMs;
  prune(state.engagement, clockMs, model);
  const engagement = scoreAt(state.engagement, clockMs, model);
  if (engagement !== state.scores.engagement) state.scores = { engagement };
  state.scoredMs = clockMs;
  state.dueMs = state.awaiting.size > 0 ? null : nextChangeMs(state.engagement, clockMs, model);
}

/** Holds time from `atMs` on, until the state of `loser` has arrived. @returns false when it has arrived already */
export function awaitState(state: ProfileState, loser: string, atMs: number): boolean {
  if (state.absorbed.includes(loser)) return false;
  if (state.awaiting.size === 0) state.heldMs = atMs;
  state.awaiting.add(loser);
  state.dueMs = null;
  return true;
}

export interface Arrival {
  /** Whose state it is. */
  readonly loser: string;
  readonly state: ProfileState;
  readonly atMs: number;
}

/**
 * Unites the state of a profile that was merged into this one, and lets time go on when it was the last one awaited;
 * the caller then settles. A state that arrives twice changes nothing the second time.
 * @returns whether traits changed
 */
export function absorb(state: ProfileState, { loser, state: other, atMs }: Arrival, model: EngagementModel): boolean {
  const wasHeld = state.awaiting.size > 0;
  if (other.engagement !== null) unite((state.engagement ??= newEngagement()), other.engagement, model);
  const traitsChanged = uniteTraits(state.traits, other.traits);
  // A state without any entry only says whom to await: it is passed on by a profile that was itself merged.
  if (other.createdMs !== Infinity) {
    noteEntry(state, other.createdMs);
    state.awaiting.delete(loser);
    if (!state.absorbed.includes(loser)) {
      uniteComputed(state.computed, other.computed);
      state.absorbed = remember(state.absorbed, loser);
    }
  }
  for (const id of other.awaiting) if (!state.absorbed.includes(id)) state.awaiting.add(id);
  if (!wasHeld && state.awaiting.size > 0) state.heldMs = atMs;
  return traitsChanged;
}

/** @returns false when this event has already come on its own */
export function admitStraggler(state: ProfileState, messageId: string): boolean {
  if (state.stragglers.includes(messageId)) return false;
  state.stragglers = remember(state.stragglers, messageId);
  return true;
}

/** The state after it was handed over to `survivor`: nothing but where it went. */
export function retire(state: ProfileState, survivor: string): void {
  Object.assign(state, newProfileState(), { createdMs: state.createdMs, updatedMs: state.updatedMs, survivor });
}

function remember(list: readonly string[], id: string): readonly string[] {
  return [...list.slice(-(REMEMBERED_MAX - 1)), id];
}
