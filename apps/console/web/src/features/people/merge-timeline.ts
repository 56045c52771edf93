import type { ProfileChange, ProfileEvent } from '../../api/profiles.js';

export type Moment =
  | { readonly kind: 'event'; readonly key: string; readonly atMs: number; readonly event: ProfileEvent }
  | { readonly kind: 'change'; readonly key: string; readonly atMs: number; readonly change: ProfileChange };

/** Events and changes in one line, newest first; what is told twice is shown once. At one instant the change came after. */
export function mergeTimeline(events: readonly ProfileEvent[], changes: readonly ProfileChange[]): readonly Moment[] {
  const moments = new Map<string, Moment>();
  for (const change of changes) {
    const key = `change ${change.sequence}`;
    moments.set(key, { kind: 'change', key, atMs: Date.parse(change.effectiveAt), change });
  }
  for (const event of events) {
    const key = `event ${event.messageId}`;
    moments.set(key, { kind: 'event', key, atMs: Date.parse(event.timestamp), event });
  }
  return [...moments.values()].sort((left, right) => right.atMs - left.atMs || Number(left.kind === 'event') - Number(right.kind === 'event') || sequenceOf(right) - sequenceOf(left));
}

function sequenceOf(moment: Moment): number {
  return moment.kind === 'change' ? moment.change.sequence : 0;
}
