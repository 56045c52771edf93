import { type Claim, decideIdentity } from './decide-identity.js';
import type { Identifier } from './read-identifiers.js';

/** A profile that is nobody's loser, as stored. */
export interface StoredProfile {
  readonly workspace: string;
  readonly profileId: string;
  readonly known: boolean;
  readonly createdMs: number;
  /** Changes whenever a decision that was made on the profile could turn out otherwise. */
  readonly version: number;
}

/** What was stored before the batch. */
export interface StoredIdentities {
  /** The survivor at which an identifier points, by the key of its name. */
  owner(key: string): StoredProfile | undefined;
}

/** An identifier by which an event names a person. */
export interface Name extends Identifier {
  readonly workspace: string;
  /** Stable and unambiguous over all workspaces. */
  readonly key: string;
  /** Of an alias: one reading of the previous id. */
  readonly isPrevious: boolean;
}

/** What an event says of whose it is. */
export interface IdentityClaims {
  readonly workspace: string;
  /** See `listNames`; not empty. */
  readonly names: readonly Name[];
  readonly isAlias: boolean;
  readonly isTrusted: boolean;
  readonly appendedMs: number;
}

export interface Merge {
  readonly workspace: string;
  readonly loser: string;
  readonly survivor: string;
  readonly appendedMs: number;
}

export interface Conflict extends Identifier {
  readonly workspace: string;
  /** Keeps the identifier. */
  readonly owner: string;
  /** Whose event named it. */
  readonly claimant: string;
  readonly appendedMs: number;
}

export interface Resolution {
  readonly profileId: string;
  /** In the order in which they happen, before the event itself. */
  readonly merges: readonly Merge[];
}

/** A profile after the batch. */
export interface ProfileChange extends StoredProfile {
  /** Itself, or whose redirect it is now. */
  readonly survivorId: string;
  readonly isNew: boolean;
}

export interface IdentityChanges {
  /** New and changed ones; `version` is that before the batch, 0 for new ones. */
  readonly profiles: readonly ProfileChange[];
  /** New identifiers with the survivor at which they point after the batch. */
  readonly identifiers: readonly (Identifier & { readonly workspace: string; readonly profileId: string })[];
  readonly merges: readonly Merge[];
  readonly conflicts: readonly Conflict[];
}

interface Draft {
  readonly stored: StoredProfile;
  readonly isNew: boolean;
  known: boolean;
  isChanged: boolean;
  survivor: Draft | null;
}

/** Unambiguous: workspace ids and types hold no line break. */
export function identifierKey(workspace: string, { type, value }: Identifier): string {
  return `${workspace}\n${type}\n${value}`;
}

/** The names of an event, strongest first. An alias names the person by the previous id too, which may have been either kind of id. */
export function listNames(workspace: string, identifiers: readonly Identifier[], previousId: string | null): Name[] {
  const names = identifiers.map(({ type, value }) => ({ workspace, type, value, key: identifierKey(workspace, { type, value }), isPrevious: false }));
  if (previousId === null) return names;
  for (const type of ['userId', 'anonymousId']) {
    const key = identifierKey(workspace, { type, value: previousId });
    if (!names.some((name) => name.key === key)) names.push({ workspace, type, value: previousId, key, isPrevious: true });
  }
  return names;
}

/**
 * Identities during one batch: what is stored plus what the events so far have said. Events are to be given in the order of
 * their append times. Nothing is kept beyond the batch; what has to be stored is in `changes`.
 */
export class IdentityGraph {
  readonly #drafts = new Map<string, Draft>();
  readonly #attached = new Map<string, { readonly name: Name; readonly draft: Draft }>();
  readonly #merges: Merge[] = [];
  readonly #conflicts = new Map<string, Conflict>();

  /** @param deriveId the id of a profile that is made for an identifier: the same for the same, for ever */
  constructor(
    private readonly stored: StoredIdentities,
    private readonly deriveId: (workspace: string, identifier: Identifier) => string,
  ) {}

  resolve(event: IdentityClaims): Resolution {
    const { workspace, names, appendedMs } = event;
    const owners = names.map(({ key }) => this.#owner(key));
    const sole = soleOwner(owners);
    // Nearly all events: every identifier points at one person already.
    if (sole !== null) return { profileId: sole.stored.profileId, merges: NONE };

    const claims = names.map((name, index): Claim => ({ ...name, profile: factsOf(owners[index] as Draft | null) }));
    const answer = decideIdentity({ claims, isAlias: event.isAlias, isTrusted: event.isTrusted });
    const attached = answer.attached.map((index) => names[index] as Name);
    const owner = answer.owner === 'new' ? this.#create(workspace, attached[0] as Name, appendedMs) : (this.#drafts.get(answer.owner) as Draft);
    const merges = answer.absorbed.map((loser) => this.#merge(this.#drafts.get(loser) as Draft, owner, appendedMs));
    for (const name of attached) this.#attach(name, owner);
    for (const index of answer.conflicts) this.#note(event, names[index] as Name, owners[index] as Draft, owner);
    return { profileId: owner.stored.profileId, merges };
  }

  /** The survivor of a profile, which the sender named directly, after what the batch has said so far. */
  survivor(profile: StoredProfile): string {
    return rootOf(this.#draft(profile)).stored.profileId;
  }

  changes(): IdentityChanges {
    const profiles: ProfileChange[] = [];
    for (const draft of this.#drafts.values()) {
      if (!draft.isNew && !draft.isChanged) continue;
      profiles.push({ ...draft.stored, known: draft.known, survivorId: rootOf(draft).stored.profileId, isNew: draft.isNew });
    }
    const identifiers = [...this.#attached.values()].map(({ name: { workspace, type, value }, draft }) => ({
      workspace, type, value, profileId: rootOf(draft).stored.profileId,
    }));
    return { profiles, identifiers, merges: this.#merges, conflicts: [...this.#conflicts.values()] };
  }

  #owner(key: string): Draft | null {
    const attached = this.#attached.get(key);
    if (attached !== undefined) return rootOf(attached.draft);
    const stored = this.stored.owner(key);
    return stored === undefined ? null : rootOf(this.#draft(stored));
  }

  #draft(stored: StoredProfile): Draft {
    let draft = this.#drafts.get(stored.profileId);
    if (draft === undefined) {
      draft = { stored, isNew: false, known: stored.known, isChanged: false, survivor: null };
      this.#drafts.set(stored.profileId, draft);
    }
    return draft;
  }

  #create(workspace: string, name: Name, createdMs: number): Draft {
    const profileId = this.deriveId(workspace, name);
    const draft: Draft = { stored: { workspace, profileId, known: false, createdMs, version: 0 }, isNew: true, known: false, isChanged: true, survivor: null };
    this.#drafts.set(profileId, draft);
    return draft;
  }

  #attach(name: Name, draft: Draft): void {
    this.#attached.set(name.key, { name, draft });
    if (name.type !== 'userId' || draft.known) return;
    draft.known = true;
    draft.isChanged = true;
  }

  #merge(loser: Draft, survivor: Draft, appendedMs: number): Merge {
    loser.survivor = survivor;
    loser.isChanged = true;
    // The survivor counts as changed too: nobody may merge it elsewhere at the same moment.
    survivor.isChanged = true;
    survivor.known ||= loser.known;
    const merge = { workspace: survivor.stored.workspace, loser: loser.stored.profileId, survivor: survivor.stored.profileId, appendedMs };
    this.#merges.push(merge);
    return merge;
  }

  #note({ workspace, appendedMs }: IdentityClaims, { key, type, value }: Name, holder: Draft, claimant: Draft): void {
    const id = `${key}\n${claimant.stored.profileId}`;
    if (this.#conflicts.has(id)) return;
    this.#conflicts.set(id, { workspace, type, value, owner: holder.stored.profileId, claimant: claimant.stored.profileId, appendedMs });
  }
}

const NONE: readonly Merge[] = [];

function factsOf(draft: Draft | null): Claim['profile'] {
  return draft === null ? null : { profileId: draft.stored.profileId, known: draft.known, createdMs: draft.stored.createdMs };
}

function soleOwner(owners: readonly (Draft | null)[]): Draft | null {
  const first = owners[0] ?? null;
  return first !== null && owners.every((owner) => owner === first) ? first : null;
}

/** The survivor at the end of all merges; paths stay short because survivors are roots when a merge happens. */
function rootOf(draft: Draft): Draft {
  let root = draft;
  while (root.survivor !== null) root = root.survivor;
  return root;
}
