/**
 * How a merge moves state, through the front door so that it has its place in the log: the loser's stages write what
 * they hold into one control record, keyed to the survivor, which travels like any event.
 */
export interface Transfer {
  readonly workspace: string;
  readonly survivor: string;
  readonly loser: string;
  /** State by stage name, base64 of whatever the stage encodes. */
  readonly states: { readonly [stage: string]: string };
  /** Events that reached the loser's partition after it had been handed over. */
  readonly stragglers: readonly string[];
  /** From scoring to segmentation alone: whose states the survivor waits for, after this one; left out: nobody's. */
  readonly awaiting?: readonly string[];
}
