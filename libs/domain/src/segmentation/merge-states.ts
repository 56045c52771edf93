import type { EngineParts } from './apply-entry.js';
import type { Flip } from './engine.js';
import type { ProfileState } from './profile-state.js';
export function mergeStates(_parts: EngineParts, _survivor: ProfileState, _loser: ProfileState, _atMs: number): Flip[] { throw new Error('soon'); }
