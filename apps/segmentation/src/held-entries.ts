import type { Entry } from '@tributary/contracts/entry';
import { decodeStraggler, encodeStraggler } from '@tributary/contracts/straggler';

/** What waits, in the order in which it became known, for the states of profiles that were merged into this one. */
export type HeldEntry =
  /** From this instant on the loser's events are the survivor's; `state` is null until it has arrived. */
  | { readonly is: 'merging'; readonly loser: string; readonly atMs: number; state: string | null }
  /** @see Transfer.stragglers: what they change, the merge changes. */
  | { readonly is: 'event'; readonly entry: Entry; readonly isStraggler: boolean };

/** Of one profile. Beyond it, what has come is applied without the states that have not. */
export const HELD_MAX = 1_000;

export function encodeHeld(held: readonly HeldEntry[]): string {
  return JSON.stringify(held.map((one) => (one.is === 'merging' ? one : { ...one, entry: encodeStraggler(one.entry) })));
}

/** @param stored what `encodeHeld` made, parsed */
export function decodeHeld(stored: unknown): HeldEntry[] {
  return (stored as (Extract<HeldEntry, { is: 'merging' }> | { readonly is: 'event'; readonly entry: string; readonly isStraggler: boolean })[])
    .map((one) => (one.is === 'merging' ? one : { ...one, entry: decodeStraggler(one.entry) }));
}
