import type { ChangeCause } from '@tributary/contracts/change';
import type { Flip } from '@tributary/domain/segmentation/engine';
import type { ProfileRecord } from './profile-record.js';

/** Numbers flips as the profile's next changes. Flips by time inside what an event started keep their own cause. */
export function addChanges(record: ProfileRecord, flips: readonly Flip[], cause: ChangeCause): void {
  for (const flip of flips) {
    record.sequence++;
    record.changes.push({ flip, cause: flip.by === 'time' && cause === 'event' ? 'time' : cause, sequence: record.sequence });
  }
}
