import type { Engine, Flip } from '@tributary/domain/segmentation/engine';
import type { ProfileState } from '@tributary/domain/segmentation/profile-state';
import type { ChangeCause } from '@tributary/contracts/change';
import type { HeldEntry } from './held-entries.js';
import type { StateJournal } from './state-journal.js';

/** What segmentation keeps of one profile in memory. */
export interface ProfileRecord {
  readonly workspace: string;
  readonly profileId: string;
  /** What the rules remember, and the engine that it belongs to. */
  engine: Engine;
  rules: ProfileState;
  /** Number of the profile's last change. */
  sequence: number;
  /** Append time of the newest entry applied, epoch ms. */
  appliedMs: number;
  /** Losers of merges whose state is still on its way: until it has arrived, time does not pass. */
  awaiting: Set<string>;
  /** What waits with them, in order. */
  held: HeldEntry[];
  /** It is not as it is stored. */
  heldChanged: boolean;
  /** Set once the profile was merged into another one. */
  mergedInto: string | null;
  /** Changes of this batch, not yet saved. */
  changes: PendingChange[];
  /** Changes of static lists of this batch, in order, and the losers whose lists came with their state. */
  listChanges: ListNews[];
  /** The state as it was last stored whole. */
  stored: Buffer | null;
  /** What was applied since, for large states. */
  readonly journal: StateJournal;
  /** The engagement score that the rules were told last, in millionths; unknown after loading. */
  engagement?: number | undefined;
  /** Entries that rules look at were applied, in the ordinary way: the journal has them. */
  moved: boolean;
  /** Something else is to be saved. */
  dirty: boolean;
}

/** What is to be written of a profile's static lists. */
export type ListNews =
  | { readonly is: 'change'; readonly list: string; readonly member: boolean; readonly atMs: number }
  | { readonly is: 'merge'; readonly loser: string; readonly atMs: number };

/** A flip with its place among the profile's changes. */
export interface PendingChange {
  readonly flip: Pick<Flip, 'segment' | 'version' | 'change' | 'atMs' | 'nodes' | 'event'>;
  readonly cause: ChangeCause;
  readonly sequence: number;
  /** W3C trace context of the entry that brought it about, where it had one. */
  readonly traceparent?: string | undefined;
}
