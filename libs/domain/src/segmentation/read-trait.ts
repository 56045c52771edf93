import type { Json } from '@tributary/contracts/rule';
import type { ProfileState } from './profile-state.js';

export function readTrait(state: ProfileState, root: string, path: string): Json | undefined {
  return state.traits.get(root)?.values.get(path);
}
