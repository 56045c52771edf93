/**
 * What travels between stages: an entry is one fact about one profile, a small header beside untouched body bytes.
 * Stages read and add headers; only a stage that needs the body parses it.
 */

export type EntryKind =
  /** A Segment-spec event; the body is its JSON. */
  | 'event'
  /** To the loser's partition: hand your state over to `survivor`, which is `other`. */
  | 'merged'
  /** To the survivor's partition: `other` was merged into you; hold time until its state has arrived. */
  | 'merging'
  /** To the survivor's partition, through the inlet: the state of `other`; the body is a `Transfer`. */
  | 'transfer'
  /** From scoring: the score of the profile changed by time alone at `appendedAtMs`. */
  | 'score';

export interface EntryHeader {
  readonly kind: EntryKind;
  readonly workspace: string;
  readonly profileId: string;
  /** Segment-spec type (`track`, `identify`, …), empty for other kinds. */
  readonly type: string;
  /** Event name as rules see it: the track event's name; `page` and `screen` for views; else empty. */
  readonly name: string;
  readonly messageId: string;
  /** Event time, epoch ms: the client's, corrected by sentAt, at most `appendedAtMs`. */
  readonly timestampMs: number;
  /** When `inbound.events` got to know it, epoch ms: the one clock that decides. */
  readonly appendedAtMs: number;
  /** Order coordinates: the source (inlet partition; 0 behind a keyed stage) and the offset in it. */
  readonly source: number;
  readonly offset: number;
  /** Purposes that the event may be used for, once the consent gate has spoken. */
  readonly purposes?: readonly string[];
  /** The other profile of a merge. */
  readonly other?: string;
  /** Scores after this entry, in millionths, once scoring has spoken. */
  readonly scores?: { readonly [key: string]: number };
  /** The cluster after this entry. */
  readonly cluster?: string;
  /**
   * Who said it, where the consent gate must know: a source that cannot speak for others (`CONSENT_UPDATED`), or one of our
   * own services (`LIST_MEMBERSHIP_CHANGED`).
   */
  readonly speaker?: 'untrusted' | 'service';
  /** W3C trace context. */
  readonly traceparent?: string;
}

export interface Entry extends EntryHeader {
  /** UTF-8 JSON; empty for kinds without one. */
  readonly body: Buffer;
}

/** Up to where a source has been forwarded. */
export interface Position {
  /** Every record of the source with an offset up to and including this one has been forwarded, parked or dropped. */
  readonly offset: number;
  /** Every record of the source appended before this instant (epoch ms, exclusive) has been. */
  readonly timeMs: number;
}

/** By source number. */
export type Positions = ReadonlyMap<number, Position>;
