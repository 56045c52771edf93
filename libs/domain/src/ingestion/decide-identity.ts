/** What is known of a profile when identifiers meet. */
export interface ProfileFacts {
  readonly profileId: string;
  /** Has a userId. */
  readonly known: boolean;
  /** When its first event became known, epoch ms. */
  readonly createdMs: number;
}

/** An identifier of an event and the profile at which it points, if any. */
export interface Claim {
  readonly type: string;
  readonly value: string;
  readonly profile: ProfileFacts | null;
  /** Of an alias: the name before, taken as a userId and as an anonymousId. */
  readonly isPrevious?: boolean;
}

export interface IdentityQuestion {
  /** Strongest first; at least one. Those of an alias include both readings of the previous id. */
  readonly claims: readonly Claim[];
  readonly isAlias: boolean;
  /** Whether the source may say things about identified people: servers may, browsers may not. */
  readonly isTrusted: boolean;
}

export interface IdentityAnswer {
  /** Whose event it is: a profile, or `new`. */
  readonly owner: string | 'new';
  /** Profiles that become the owner, oldest first: at most as many as the event has identifiers. */
  readonly absorbed: readonly string[];
  /** Indices of claims whose identifiers nobody has; they become the owner's. */
  readonly attached: readonly number[];
  /** Indices of claims that point at somebody else and keep doing so. */
  readonly conflicts: readonly number[];
}

/** What a browser or device holds itself. E-mail, phone and custom ids can be typed in by anyone. */
const OWN_TYPES: ReadonlySet<string> = new Set(['userId', 'anonymousId', 'deviceId']);

/**
 * Decides whose event it is and which profiles turn out to be one person (docs/adr, identity). Known beats anonymous, else
 * the older wins. Two people with userIds of their own are one only by an alias of a trusted source; an untrusted source
 * cannot tie by e-mail, phone or custom identifiers what somebody has.
 */
export function decideIdentity(question: IdentityQuestion): IdentityAnswer {
  const { claims, isAlias, isTrusted } = question;
  const tying = claims.filter((claim) => isTrusted || OWN_TYPES.has(claim.type));
  // A single name of an untrusted source ties nothing: it only says whose event it is.
  const voices = tying.length > 0 ? tying : claims.slice(0, 1);
  const candidates = distinctByAge(voices);
  const isMerging = isAlias && isTrusted;
  const owner = chooseOwner(voices, candidates, isMerging);
  const absorbed = owner === null ? [] : candidates.filter((one) => one.profileId !== owner.profileId && (!one.known || (isMerging && isNamedByAlias(voices, one))));
  const ours = new Set([owner?.profileId, ...absorbed.map((one) => one.profileId)]);
  const attached: number[] = [];
  const conflicts: number[] = [];
  const isPreviousTaken = claims.some((claim) => claim.isPrevious === true && claim.profile !== null);
  claims.forEach((claim, index) => {
    if (claim.profile !== null) {
      if (!ours.has(claim.profile.profileId)) conflicts.push(index);
    } else if (claim.isPrevious !== true || !isPreviousTaken) attached.push(index);
  });
  return { owner: owner?.profileId ?? 'new', absorbed: absorbed.map((one) => one.profileId), attached, conflicts };
}

/** Null means a new profile: nobody is named, or only people with userIds of their own. */
function chooseOwner(voices: readonly Claim[], candidates: readonly ProfileFacts[], isMerging: boolean): ProfileFacts | null {
  if (isMerging) return candidates.find((one) => one.known && isNamedByAlias(voices, one)) ?? candidates.find((one) => !one.known) ?? null;
  const user = voices.find((claim) => claim.type === 'userId' && claim.isPrevious !== true);
  if (user?.profile) return user.profile;
  const oldestAnonymous = candidates.find((one) => !one.known) ?? null;
  if (user !== undefined) return oldestAnonymous;
  return voices.find((claim) => claim.profile?.known)?.profile ?? oldestAnonymous;
}

function isNamedByAlias(voices: readonly Claim[], profile: ProfileFacts): boolean {
  return voices.some((claim) => claim.profile?.profileId === profile.profileId && (claim.isPrevious === true || claim.type === 'userId'));
}

/** Oldest first; of one instant by id, so that every order of claims gives the same. */
function distinctByAge(claims: readonly Claim[]): ProfileFacts[] {
  const profiles = new Map<string, ProfileFacts>();
  for (const { profile } of claims) if (profile !== null) profiles.set(profile.profileId, profile);
  return [...profiles.values()].sort((left, right) => left.createdMs - right.createdMs || (left.profileId < right.profileId ? -1 : 1));
}
