import fc from 'fast-check';
import type { SegmentDefinition } from '@tributary/domain/segmentation/sql/context';
import type { FeedStyle } from './feed-engine.ts';
import { randomProfiles, type RandomProfile } from './random-history.ts';
import { randomSegments } from './random-rule.ts';
import { DAY_MS, SCENES, SLOT_MS, SLOTS, slots, type Scene } from './random-scene.ts';

export interface OracleCase {
  readonly scene: Scene;
  readonly segments: readonly SegmentDefinition[];
  readonly profiles: readonly RandomProfile[];
  readonly samplesMs: readonly number[];
  readonly style: FeedStyle;
  /** When the second profile is merged into the first, on a second run of the same histories. */
  readonly mergedMs: number;
}

/** Where the two forms differ. */
export interface Difference {
  readonly about: string;
  readonly segment: string;
  readonly profileId: string;
  readonly engine: unknown;
  readonly sql: unknown;
}

export const PURPOSE_POLICIES = { profiling: 'opt-out' } as const;
/** All windows of a case but the longest have run out by then. */
export const HORIZON_MS = 40 * DAY_MS;
/** Merges lie off the grid of events and of switches. */
const MERGE_OFF_GRID_MS = 501;

export const oracleCases: fc.Arbitrary<OracleCase> = fc.constantFrom(...SCENES).chain((scene) =>
  fc.record({
    scene: fc.constant(scene),
    segments: randomSegments(scene),
    profiles: randomProfiles(scene),
    samplesMs: fc.array(fc.integer({ min: 0, max: SLOTS + 48 }).map((slot) => scene.baseMs + slot * SLOT_MS), { minLength: 1, maxLength: 4 }),
    style: fc.record({ repeats: fc.boolean(), stores: fc.boolean(), ticksMs: fc.constantFrom(undefined, DAY_MS, 3 * SLOT_MS) }),
    mergedMs: slots.map((slot) => scene.baseMs + slot * SLOT_MS + MERGE_OFF_GRID_MS),
  }),
);
