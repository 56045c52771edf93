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
