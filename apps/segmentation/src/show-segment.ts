import type { Stability } from './members.postgres.js';
import type { SegmentRow } from './segments.postgres.js';
import type { Warned } from './segment-definitions.js';

export interface SegmentFacts {
  readonly count: number;
  readonly isBackfilling: boolean;
  readonly asOfMs: number | null;
  readonly nowMs: number;
  readonly movements?: { readonly enteredHour: number; readonly leftHour: number; readonly enteredDay: number; readonly leftDay: number } | undefined;
}

/** A segment that lost or won more than this share within a day has drifted, unless it is small. */
const DRIFT_SHARE = 0.5;
const DRIFT_MEMBERS_MIN = 100;

export function toIso(instantMs: number | null): string | null {
  return instantMs === null || !Number.isFinite(instantMs) ? null : new Date(instantMs).toISOString();
}

/** What only the answer for a single segment says. */
export function showStability(facts: SegmentFacts, { nextTimerMs, flapping }: Stability): object {
  const { count, movements } = facts;
  const before = Math.max(0, count - (movements?.enteredDay ?? 0) + (movements?.leftDay ?? 0));
  const change = before === 0 ? null : (count - before) / before;
  const isLarge = Math.max(count, before) >= DRIFT_MEMBERS_MIN;
  return {
    nextTimerAt: toIso(nextTimerMs),
    flapping: { profiles: flapping, flagged: flapping > 0 },
    drift: { countDayAgo: before, change: change === null ? null : Math.round(change * 10_000) / 10_000, flagged: isLarge && (change === null || Math.abs(change) > DRIFT_SHARE) },
  };
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
