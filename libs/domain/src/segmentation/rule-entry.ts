import type { Json } from '@tributary/contracts/rule';

/**
 * What the rule engine is told about one profile. Entries of a profile come in the total order of their append time in
 * `inbound.events`; one call of `apply` per entry. Instants are epoch milliseconds.
 */
export type RuleEntry = EventEntry | ScoreEntry | ComputedEntry | ClusterEntry | ListEntry | ConsentEntry | BirthEntry;

/** The parts of a Segment-spec event that rules read. */
export interface EventBody {
  /** The name of a `page` or `screen` view; wins over `properties.name`. */
  readonly name?: Json;
  readonly properties?: Json;
  /** Of `identify` only. */
  readonly traits?: Json;
}

/** What other stages know of a profile after an entry. Keys left out are unchanged; null removes. */
export interface KnownAfter {
  /** By score model, in millionths. */
  readonly scores?: { readonly [key: string]: number | null };
  /** By computed trait. */
  readonly computed?: { readonly [key: string]: Json };
  /** Label by cluster model. */
  readonly clusters?: { readonly [model: string]: string | null };
}

/** A cleansed event. `name` is the track event's name, `page` or `screen` for views, else empty. */
export interface EventEntry extends KnownAfter {
  readonly kind: 'event';
  /** Segment-spec type: `track`, `page`, `screen`, `identify`, …. */
  readonly type: string;
  readonly name: string;
  readonly messageId: string;
  readonly timestampMs: number;
  readonly appendedAtMs: number;
  /** Parses the body when a rule needs it, and only then; called at most once per `apply`. */
  readonly readBody: () => EventBody;
  /** Only in a history given to `rebuild`: whose event it was before merges. Left out: the profile's own. */
  readonly profileId?: string;
}

/** Scores changed by time alone. */
export interface ScoreEntry {
  readonly kind: 'score';
  readonly appendedAtMs: number;
  readonly scores: { readonly [key: string]: number | null };
  readonly profileId?: string;
}

/** A computed trait changed without an event. `null` removes it. */
export interface ComputedEntry {
  readonly kind: 'computed';
  readonly appendedAtMs: number;
  readonly key: string;
  readonly value: Json;
  readonly profileId?: string;
}

/** The cluster of a model changed; `null`: none. */
export interface ClusterEntry {
  readonly kind: 'cluster';
  readonly appendedAtMs: number;
  readonly model: string;
  readonly label: string | null;
  readonly profileId?: string;
}

export interface ListEntry {
  readonly kind: 'list';
  readonly appendedAtMs: number;
  readonly list: string;
  readonly member: boolean;
  readonly profileId?: string;
}

/** A consent decision that did not come as track event `Consent Updated` (those are read by `apply` itself). */
export interface ConsentEntry {
  readonly kind: 'consent';
  readonly appendedAtMs: number;
  readonly purpose: string;
  readonly decision: 'granted' | 'withdrawn';
  readonly occurredAtMs: number;
  readonly profileId?: string;
}

/** The profile exists from here on (an import, say), with nothing else known. Harmless where it existed already. */
export interface BirthEntry {
  readonly kind: 'birth';
  readonly appendedAtMs: number;
  readonly profileId?: string;
}

/** Only in a history given to `rebuild`: from here on the entries of `loserId` belong to the profile. */
export interface MergeEntry {
  readonly kind: 'merge';
  readonly appendedAtMs: number;
  readonly loserId: string;
  /** Into which of the profiles of the history; left out: the profile itself. */
  readonly profileId?: string;
}

export type HistoryEntry = RuleEntry | MergeEntry;
