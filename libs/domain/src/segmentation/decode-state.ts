import type { CompiledRules } from './compiled-rules.js';
import type { ProfileState } from './profile-state.js';
export function decodeState(_rules: CompiledRules, _bytes: Uint8Array, _id: string): ProfileState { throw new Error('soon'); }
