import type { EngineParts } from './apply-entry.js';
import type { SegmentPlan } from './compiled-rules.js';
import type { Explanation } from './engine.js';
import type { ProfileState } from './profile-state.js';
export function explainSegment(_parts: EngineParts, _state: ProfileState, _segment: SegmentPlan, _atMs: number): Explanation { throw new Error('soon'); }
