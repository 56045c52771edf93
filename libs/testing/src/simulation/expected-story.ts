// What must come of a log, by its definition: entries in the order in which they became known, each once, and time between.
import type { LogRecord } from '@tributary/stream/stage';
import { isTick } from '@tributary/stream/ticker';
import { profileIdOf } from '../stream-stack.js';

export type Inlet = readonly (readonly LogRecord[])[];

/** How long after its last entry a profile's timer is due, in the first fold and in the second. */
export const HOLD_MS = { scoring: 700, segmentation: 1_900 } as const;

/** The name of an inlet record: the same event sent twice is two of them. */
export function nameOf({ partition, offset }: LogRecord): string {
  return `${partition}/${offset}`;
}

/** The profile whose name an inlet record carries. */
export function profileOf({ value }: LogRecord): string {
  return profileIdOf((value as Buffer).toString());
}

/** Steps by profile id, once time has gone past everything. */
export function expectedSteps(inlet: Inlet, holdMs: number): Map<string, string[]> {
  const steps = new Map<string, string[]>();
  const due = new Map<string, number>();
  for (const record of inKnownOrder(inlet)) {
    const id = profileOf(record);
    const own = steps.get(id) ?? [];
    steps.set(id, own);
    const dueMs = due.get(id);
    if (dueMs !== undefined && dueMs < record.timestampMs) own.push(`t${dueMs}`);
    own.push(`e${nameOf(record)}`);
    due.set(id, record.timestampMs + holdMs);
  }
  for (const [id, dueMs] of due) steps.get(id)?.push(`t${dueMs}`);
  return steps;
}

/** By append time, which never goes back within a partition, whatever the broker's clock did; then partition, then offset. */
function inKnownOrder(inlet: Inlet): LogRecord[] {
  const known = inlet.flatMap((records) => {
    let timestampMs = 0;
    return records.map((record) => ({ ...record, timestampMs: (timestampMs = Math.max(timestampMs, record.timestampMs)) }));
  });
  return known.filter((record) => !isTick(record)).sort((left, right) => left.timestampMs - right.timestampMs || left.partition - right.partition || left.offset - right.offset);
}
