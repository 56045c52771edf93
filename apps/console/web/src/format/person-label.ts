export interface LabelledIdentifier {
  readonly type: string;
  readonly value: string;
}

const PREFERRED = ['email', 'userId', 'phone'];

/** What to call somebody: the identifier that people know, else any, else the first part of the profile's id. */
export function personLabel(identifiers: readonly LabelledIdentifier[], profileId: string): string {
  for (const type of PREFERRED) {
    const found = identifiers.find((identifier) => identifier.type === type);
    if (found !== undefined) return type === 'userId' ? `user ${found.value}` : found.value;
  }
  const [first] = identifiers;
  return first === undefined ? profileId.slice(0, 8) : `${first.type === 'anonymousId' ? 'anonymous' : first.type} ${first.value.slice(0, 12)}`;
}

/** Two letters for a picture. */
export function initials(name: string): string {
  const words = name.split(/[\s@._-]+/).filter(Boolean);
  return ((words[0]?.[0] ?? '?') + (words[1]?.[0] ?? '')).toUpperCase();
}
