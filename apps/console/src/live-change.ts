import type { SegmentChange } from '@tributary/contracts/change';
import type { LogRecord } from '@tributary/stream/stage';

/** A change as pages see it: that of the public topic. */
export type LiveChange = SegmentChange;

export function readChange(record: LogRecord): LiveChange[] {
  return record.value === null ? [] : [JSON.parse(record.value.toString()) as SegmentChange];
}

/** Whether a change is about this person or segment; an empty text matches all. */
export function changeMatches(change: LiveChange, text: string): boolean {
  if (text === '') return true;
  const needle = text.toLowerCase();
  return (
    change.segment.includes(needle) ||
    change.profileId === needle ||
    change.change === needle ||
    change.cause === needle ||
    change.identifiers.some(({ type, value }) => `${type}:${value}`.toLowerCase().includes(needle))
  );
}

/** Entered and left by segment, of what came while the page was open. */
export function tallyChanges(changes: readonly LiveChange[], isBacklog: boolean): { tally: { [segment: string]: [entered: number, left: number] } } {
  const tally = new Map<string, [number, number]>();
  for (const { segment, change } of isBacklog ? [] : changes) {
    const counts = tally.get(segment) ?? [0, 0];
    counts[change === 'entered' ? 0 : 1]++;
    tally.set(segment, counts);
  }
  return { tally: Object.fromEntries(tally) };
}
