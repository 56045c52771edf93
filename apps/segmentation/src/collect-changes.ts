import type { ChangeCause } from '@tributary/contracts/change';
import type { Flip } from '@tributary/domain/segmentation/engine';
import type { ProfileRecord } from './profile-record.js';

/** Numbers flips as the profile's next changes. Flips by time inside what an event started keep their own cause. @param traceparent of the entry */
export function addChanges(record: ProfileRecord, flips: readonly Flip[], cause: ChangeCause, traceparent?: string): void {
  for (const flip of flips) {
    record.sequence++;
    record.changes.push({ flip, cause: flip.by === 'time' && cause === 'event' ? 'time' : cause, sequence: record.sequence, traceparent });
  }
}
