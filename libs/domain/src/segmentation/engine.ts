import type { Json, SegmentRule } from '@tributary/contracts/rule';
import type { ProfileState } from './profile-state.js';
import type { RuleEntry } from './rule-entry.js';
import { RuleEngine } from './rule-engine.js';

/** What the rules of one workspace are compiled with. */
export interface EngineOptions {
  /** All segments that are live, in any order. Each must have passed `validateRule`. */
  readonly segments: readonly SegmentRule[];
  /** IANA zone of the workspace; UTC where left out or unknown. */
  readonly timezone?: string;
  /** Purposes left out are opt-in. */
  readonly purposes?: { readonly [purpose: string]: 'opt-in' | 'opt-out' };
  /** RE2, unanchored. */
  readonly compilePattern: CompilePattern;
}

export type CompilePattern = (pattern: string, flags: { readonly ignoreCase: boolean }) => (text: string) => boolean;

/** One membership change of one profile. Per profile and segment they alternate, beginning with `entered`. */
export interface Flip {
  readonly segment: string;
  readonly version: number;
  readonly change: 'entered' | 'left';
  readonly atMs: number;
  readonly by: 'event' | 'time' | 'merge' | 'definition';
  /** The leaves of the segment's rule whose answer changed; empty where that is not what changed it. */
  readonly nodes: readonly FlippedNode[];
  readonly event?: { readonly messageId: string; readonly name: string; readonly timestampMs: number };
}

export interface FlippedNode {
  /** JSON Pointer into the definition: `/rule/and/0`, `/stay`. */
  readonly path: string;
  readonly holds: boolean;
  readonly actual: Json;
}

/** One node of the answer to "why"; leaves have no children, except that a named segment carries its own tree. */
export interface Why {
  readonly node: string;
  readonly path: string;
  readonly holds: boolean;
  readonly actual: Json;
  /** The newest events that count, oldest first, at most 100. */
  readonly events: readonly CountedEvent[];
  readonly children: readonly Why[];
  /** The leaf as it was written. */
  readonly rule?: Json;
  /** More events than are kept one by one: the answer may be off by up to a tile at the window's edge. */
  readonly approximate?: boolean;
}

export interface CountedEvent {
  readonly name: string;
  readonly timestampMs: number;
  /** `hashText(messageId)`, where the engine keeps no more of it. */
  readonly idHash?: number;
  readonly messageId?: string;
}

export interface Explanation {
  readonly member: boolean;
  readonly sinceMs: number | null;
  /** Next flip of the segment by time alone, or null. */
  readonly flipsAtMs: number | null;
  readonly why: Why;
}

/** How much of an event the engine must see. `none` still counts as the birth of a profile that is new. */
export type Interest = 'none' | 'header' | 'body';

/**
 * The rules of one workspace at one definitions version. Pure: the same calls give the same answers. States are changed
 * in place and belong to the engine that made or decoded them.
 */
export interface Engine {
  readonly segmentKeys: readonly string[];
  newState(profileId: string): ProfileState;
  /** Applies one entry at its append time and returns the flips it caused, in dependency order. Call `advance` first. */
  apply(state: ProfileState, entry: RuleEntry): readonly Flip[];
  /** Fires the flips by time alone at all instants before `beforeMs` (exclusive), each at its own instant, in order. */
  advance(state: ProfileState, beforeMs: number): readonly Flip[];
  /** The next instant at which an answer may flip with no further event: never too late, seldom too early. Infinity: never. */
  dueMs(state: ProfileState): number;
  /** Segment key → member since. */
  members(state: ProfileState): ReadonlyMap<string, number>;
  isMember(state: ProfileState, key: string): boolean;
  /** As of `atMs`, at or after all that the state was told. The state is not changed. Undefined: no such segment. */
  explain(state: ProfileState, key: string, atMs: number): Explanation | undefined;
  /**
   * Unites the loser's state into the survivor's: sets are united, the newest trait wins, a withdrawal that stood for
   * either stands, inside (for `stay`) is who was inside in either. Returns the survivor's flips at `atMs`.
   */
  merge(survivor: ProfileState, loser: ProfileState, atMs: number): readonly Flip[];
  /** Compact binary with a format version. */
  encode(state: ProfileState): Buffer;
  /** Of a state that any definitions version encoded; what this one does not use is dropped. Throws on other bytes. */
  decode(bytes: Uint8Array, profileId: string): ProfileState;
  /** By Segment-spec type and event name as in the entry header. */
  interest(type: string, name: string): Interest;
}

/** Throws on rules that `validateRule` refuses, and on cycles. */
export function compileEngine(options: EngineOptions): Engine {
  return new RuleEngine(options);
}
