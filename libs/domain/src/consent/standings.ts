import { type ConsentDecision, type DatedDecision, laterOf } from './decision.js';
import { DEFAULT_POLICIES, type PurposePolicy } from './policy.js';
import { type Merge, uniteDecisions } from './unite-decisions.js';

/** A decision in the ledger. */
export interface RecordedDecision extends DatedDecision {
  readonly decision: ConsentDecision;
  /** Id of the ledger entry. */
  readonly receipt: string;
}

/** What the database knows of the people of a batch, and of everybody they have been one with. */
export interface KnownConsents {
  /** Purposes that a workspace has defined itself or changed. */
  readonly policies: readonly { readonly workspace: string; readonly purpose: string; readonly policy: PurposePolicy }[];
  /** The latest decision of each profile and purpose. */
  readonly decisions: readonly (RecordedDecision & { readonly workspace: string; readonly profileId: string; readonly purpose: string })[];
  readonly merges: readonly (Merge & { readonly workspace: string })[];
}

/** Several profiles that are one by now: the decisions of each, by purpose and profile, and how they became one. */
interface Person {
  readonly latest: Map<string, Map<string, RecordedDecision>>;
  readonly merges: Merge[];
  readonly profiles: Set<string>;
  /** Allowed purposes, until something is recorded. */
  allowed?: readonly string[];
}

/**
 * What stands for whom while a batch is decided: begins with what the database knows and takes in the batch's own
 * decisions and merges, one by one. Most people have never decided anything: for them it costs one look-up.
 */
export class Standings {
  readonly #people = new Map<string, Person>();
  readonly #policies = new Map<string, Map<string, PurposePolicy>>();
  readonly #allowedByPolicy = new Map<string, readonly string[]>();

  constructor(known: KnownConsents) {
    for (const { workspace, purpose, policy } of known.policies) this.#policiesOf(workspace).set(purpose, policy);
    for (const merge of known.merges) this.merge(merge.workspace, merge);
    for (const { workspace, profileId, purpose, ...decision } of known.decisions) this.record(workspace, profileId, purpose, decision);
  }

  /** The decision that stands, or undefined when the person never decided. */
  standing(workspace: string, profileId: string, purpose: string): RecordedDecision | undefined {
    const person = this.#people.get(keyOf(workspace, profileId));
    return person === undefined ? undefined : standingOf(person, purpose);
  }

  /** Everything that stands for the person, by purpose in order of name. */
  decided(workspace: string, profileId: string): readonly (RecordedDecision & { readonly purpose: string })[] {
    const person = this.#people.get(keyOf(workspace, profileId));
    if (person === undefined) return [];
    return [...person.latest.keys()].sort().flatMap((purpose) => {
      const standing = standingOf(person, purpose);
      return standing === undefined ? [] : [{ ...standing, purpose }];
    });
  }

  policy(workspace: string, purpose: string): PurposePolicy {
    return this.#policies.get(workspace)?.get(purpose) ?? DEFAULT_POLICIES.get(purpose) ?? 'opt-in';
  }

  /** Purposes that the person's data may be used for, sorted. */
  allowed(workspace: string, profileId: string): readonly string[] {
    const person = this.#people.get(keyOf(workspace, profileId));
    if (person === undefined) return this.#allowedOfStranger(workspace);
    person.allowed ??= this.#allowedOf(workspace, person);
    return person.allowed;
  }

  record(workspace: string, profileId: string, purpose: string, decision: RecordedDecision): void {
    const person = this.#personOf(workspace, profileId);
    const ofPurpose = person.latest.get(purpose);
    if (ofPurpose === undefined) person.latest.set(purpose, new Map([[profileId, decision]]));
    else ofPurpose.set(profileId, laterOf(ofPurpose.get(profileId) ?? decision, decision));
    delete person.allowed;
  }

  /** Two profiles are one from now on. The same merge again changes nothing. */
  merge(workspace: string, merge: Merge): void {
    const survivor = this.#personOf(workspace, merge.survivor);
    const loser = this.#personOf(workspace, merge.loser);
    if (survivor === loser) return;
    for (const [purpose, byProfile] of loser.latest) {
      const united = survivor.latest.get(purpose);
      if (united === undefined) survivor.latest.set(purpose, byProfile);
      else for (const [profileId, decision] of byProfile) united.set(profileId, decision);
    }
    survivor.merges.push(...loser.merges, merge);
    for (const profileId of loser.profiles) {
      survivor.profiles.add(profileId);
      this.#people.set(keyOf(workspace, profileId), survivor);
    }
    delete survivor.allowed;
  }

  #personOf(workspace: string, profileId: string): Person {
    const key = keyOf(workspace, profileId);
    let person = this.#people.get(key);
    if (person === undefined) {
      person = { latest: new Map(), merges: [], profiles: new Set([profileId]) };
      this.#people.set(key, person);
    }
    return person;
  }

  #policiesOf(workspace: string): Map<string, PurposePolicy> {
    let policies = this.#policies.get(workspace);
    if (policies === undefined) this.#policies.set(workspace, (policies = new Map(DEFAULT_POLICIES)));
    return policies;
  }

  #allowedOfStranger(workspace: string): readonly string[] {
    let allowed = this.#allowedByPolicy.get(workspace);
    if (allowed === undefined) {
      allowed = [...this.#policiesOf(workspace)].filter(([, policy]) => policy === 'opt-out').map(([purpose]) => purpose).sort();
      this.#allowedByPolicy.set(workspace, allowed);
    }
    return allowed;
  }

  #allowedOf(workspace: string, person: Person): readonly string[] {
    const allowed = new Set(this.#allowedOfStranger(workspace));
    for (const purpose of person.latest.keys()) {
      const standing = standingOf(person, purpose);
      if (standing?.decision === 'granted') allowed.add(purpose);
      else if (standing !== undefined) allowed.delete(purpose);
    }
    return [...allowed].sort();
  }
}

function standingOf(person: Person, purpose: string): RecordedDecision | undefined {
  const latest = person.latest.get(purpose);
  return latest === undefined ? undefined : uniteDecisions(latest, person.merges);
}

function keyOf(workspace: string, profileId: string): string {
  return `${profileId}/${workspace}`;
}
