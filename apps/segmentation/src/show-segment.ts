import type { SegmentRow } from './segments.postgres.js';
import type { Warned } from './segment-definitions.js';

export interface SegmentFacts {
  readonly count: number;
  readonly isBackfilling: boolean;
  readonly asOfMs: number | null;
  readonly nowMs: number;
  readonly movements?: { readonly enteredHour: number; readonly leftHour: number; readonly enteredDay: number; readonly leftDay: number } | undefined;
}

export function toIso(instantMs: number | null): string | null {
  return instantMs === null || !Number.isFinite(instantMs) ? null : new Date(instantMs).toISOString();
}

/** A segment as the API answers it. */
export function showSegment(segment: SegmentRow, facts: SegmentFacts, warnings: Warned<unknown>['warnings'] = []): object {
  const { movements } = facts;
  return {
    key: segment.key,
    name: segment.name,
    description: segment.description,
    rule: segment.rule,
    ...(segment.stay === null ? {} : { stay: segment.stay }),
    status: segment.paused ? 'paused' : facts.isBackfilling ? 'backfilling' : 'live',
    count: facts.count,
    version: segment.version,
    asOf: toIso(facts.asOfMs),
    lagMs: facts.asOfMs === null ? null : Math.max(0, facts.nowMs - facts.asOfMs),
    warnings,
    entered: { hour: movements?.enteredHour ?? 0, day: movements?.enteredDay ?? 0 },
    left: { hour: movements?.leftHour ?? 0, day: movements?.leftDay ?? 0 },
    createdAt: toIso(segment.createdMs),
    updatedAt: toIso(segment.updatedMs),
  };
}
