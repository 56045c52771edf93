import type { SegmentChange } from '@tributary/contracts/change';

/** What of an automation decides whether a change concerns it. */
export interface AutomationTrigger {
  readonly segment: string;
  readonly on: 'entered' | 'left';
  readonly includeExisting: boolean;
  /** Epoch ms: changes that segmentation processed before it are none of this automation's. */
  readonly actsSinceMs: number;
}

export type AutomationMatch =
  | { readonly match: 'claim' }
  | { readonly match: 'pass'; readonly reason: 'other_segment' | 'other_change' | 'before_creation' | 'backfill' | 'erasure' };

/**
 * Segmentation stamps a change before it commits it. Someone whom the list of existing members (read when the
 * automation was made) has just missed is caught this much earlier; who is in both is told apart by the claim.
 */
export const IN_FLIGHT_MS = 10_000;

/**
 * Whether an automation acts on a change: the change became known after the automation, and a person caused it. Who was
 * in the segment before anybody looked (cause `backfill`) is only meant with `includeExisting`; erasure is no occasion.
 */
export function matchAutomation(trigger: AutomationTrigger, change: SegmentChange): AutomationMatch {
  if (change.segment !== trigger.segment) return { match: 'pass', reason: 'other_segment' };
  if (change.change !== trigger.on) return { match: 'pass', reason: 'other_change' };
  if (change.cause === 'erasure') return { match: 'pass', reason: 'erasure' };
  if (change.cause === 'backfill' && !trigger.includeExisting) return { match: 'pass', reason: 'backfill' };
  const sinceMs = trigger.includeExisting ? trigger.actsSinceMs - IN_FLIGHT_MS : trigger.actsSinceMs;
  return Date.parse(change.processedAt) < sinceMs ? { match: 'pass', reason: 'before_creation' } : { match: 'claim' };
}
