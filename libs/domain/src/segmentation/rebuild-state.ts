import type { Engine, Flip } from './engine.js';
import type { ProfileState } from './profile-state.js';
import type { HistoryEntry } from './rule-entry.js';

/** What a change of definitions asks for. */
export interface RebuildPlan {
  /** Segments that are new, changed, or depend on one that changed; all are evaluated anew. */
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  /** Which entries of history `rebuild` must be given. */
  readonly history: HistoryNeeds;
}

export interface HistoryNeeds {
  /** Nothing of history is needed: the kept state answers the new definitions. */
  readonly none: boolean;
  /** Event names as in the entry header. */
  readonly events: readonly string[];
  readonly identify: boolean;
  /** `stay` is replayed: score, computed, cluster, list and consent entries at their times are needed too. */
  readonly scores: readonly string[];
  readonly computed: readonly string[];
  readonly clusters: readonly string[];
  readonly lists: readonly string[];
  readonly consents: boolean;
}

/** Compares two definitions versions of a workspace. Depends on the definitions only, not on any profile. */
export declare function planRebuild(old: Engine, next: Engine): RebuildPlan;

/**
 * Moves one profile from `old` to `next` at the watermark `atMs` (the state has been advanced to it). `history` is what the
 * plan asked for, in the order in which it became known. Returns a new state and the flips: new − old, all at `atMs`.
 */
export declare function rebuild(
  engines: { readonly old: Engine; readonly next: Engine; readonly plan?: RebuildPlan },
  oldState: ProfileState,
  history: Iterable<HistoryEntry>,
  atMs: number,
): { readonly state: ProfileState; readonly flips: readonly Flip[] };
