import type { Profile } from '../../api/profiles.js';
import { personLabel } from '../../format/person-label.js';

/** The name that somebody gave, else what they are known by. */
export function personName({ id, identifiers, traits }: Pick<Profile, 'id' | 'identifiers' | 'traits'>): string {
  const { name, firstName, lastName } = traits;
  if (typeof name === 'string' && name.trim() !== '') return name;
  const parts = [firstName, lastName].filter((part) => typeof part === 'string' && part.trim() !== '');
  return parts.length > 0 ? parts.join(' ') : personLabel(identifiers, id);
}
