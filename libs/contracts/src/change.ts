import type { Json } from './rule.js';

export type ChangeCause = 'event' | 'time' | 'late' | 'merge' | 'backfill' | 'definition' | 'erasure';

export interface Identifier {
  readonly type: string;
  readonly value: string;
}

/** Why a segment flipped: the leaf nodes whose answer changed, and the event that did it. */
export interface ChangeReason {
  /** JSON Pointers into the definition, `/rule/and/0` or `/stay`. */
  readonly nodes: readonly { readonly path: string; readonly holds: boolean; readonly actual: Json }[];
  readonly event?: { readonly messageId: string; readonly name: string; readonly timestamp: string };
}

/** The value of a `segments.changed` record. Instants are ISO 8601 UTC with milliseconds. */
export interface SegmentChange {
  readonly workspace: string;
  readonly profileId: string;
  readonly identifiers: readonly Identifier[];
  readonly segment: string;
  readonly change: 'entered' | 'left';
  readonly effectiveAt: string;
  readonly processedAt: string;
  readonly cause: ChangeCause;
  readonly definitionVersion: number;
  /** Counts a profile's changes over all segments, from 1, without a gap. */
  readonly sequence: number;
  readonly reason: ChangeReason;
}
