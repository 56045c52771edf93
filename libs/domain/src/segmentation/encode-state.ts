import type { CompiledRules } from './compiled-rules.js';
import type { ProfileState } from './profile-state.js';
export function encodeState(_rules: CompiledRules, _state: ProfileState): Buffer { throw new Error('soon'); }
