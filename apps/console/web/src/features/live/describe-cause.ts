import type { ChangeCause, SegmentChange } from '@tributary/contracts/change';

const CAUSES: { readonly [cause in ChangeCause]: string } = {
  event: 'An event changed it',
  time: 'Time alone changed it',
  late: 'An event that arrived late changed it',
  merge: 'Two profiles became one',
  backfill: 'Found when the segment was filled',
  definition: 'The definition of the segment changed',
  erasure: 'The person was erased',
};

/** Why a change came about, with the event that did it where there is one. */
export function describeCause({ cause, reason }: Pick<SegmentChange, 'cause' | 'reason'>): string {
  const text = CAUSES[cause] ?? cause;
  return reason?.event === undefined ? text : `${text}: ${reason.event.name}`;
}
