import type { Identifier } from '@tributary/domain/ingestion/read-identifiers';
import { type IdentityChanges, identifierKey, type StoredIdentities, type StoredProfile } from '@tributary/domain/ingestion/identity-graph';
import type { Pool } from '@tributary/postgres/pool';
import { RecentMap } from './recent-map.js';

/** What a batch must know before it can be decided. */
export interface Question {
  /** Hashes of message ids and facts, 32 hex digits each. */
  readonly hashes: readonly string[];
  /** By their keys. */
  readonly names: ReadonlyMap<string, WorkspaceName>;
  /** Profiles named directly. */
  readonly profileIds: ReadonlySet<string>;
}

type WorkspaceName = Identifier & { readonly workspace: string };

/** What was stored before the batch. Profiles are answered by their survivors. */
export interface Answer extends StoredIdentities {
  readonly seen: ReadonlySet<string>;
  named(profileId: string): StoredProfile | undefined;
}

interface CachedProfile extends StoredProfile {
  known: boolean;
  version: number;
  survivor: CachedProfile | null;
}

const CACHED_MAX = 200_000;

/**
 * Who identifiers mean, in PostgreSQL and, for those used recently, in memory. Memory may be behind another instance: an
 * event then goes to a profile that has been merged, which scoring passes on, and a decision that could have turned out
 * otherwise fails when it is written, because of the profile's version.
 */
export class IdentityStore {
  readonly #profiles = new RecentMap<string, CachedProfile>(CACHED_MAX);
  readonly #owners = new RecentMap<string, CachedProfile>(CACHED_MAX);

  constructor(private readonly pool: Pool) {}

  /** One query, for all that memory does not know. */
  async load({ hashes, names, profileIds }: Question): Promise<Answer> {
    const owners = new Map<string, CachedProfile>();
    const missing: (readonly [string, WorkspaceName])[] = [];
    for (const entry of names) {
      const cached = this.#owners.get(entry[0]);
      if (cached === undefined) missing.push(entry);
      else owners.set(entry[0], rootOf(cached));
    }
    const ids = [...profileIds];
    const named = new Map<string, StoredProfile>();
    const seen = new Set<string>();
    for (const row of await this.#lookUp(hashes, missing.map(([, name]) => name), ids)) {
      if (row.part === 0) seen.add(row.hash.replaceAll('-', ''));
      else if (row.part === 1) owners.set((missing[row.n - 1] as readonly [string, unknown])[0], this.#keep(row));
      else named.set(ids[row.n - 1] as string, this.#keep(row));
    }
    for (const [key] of missing) {
      const owner = owners.get(key);
      if (owner !== undefined) this.#owners.set(key, owner);
    }
    return { seen, owner: (key) => owners.get(key), named: (profileId) => named.get(profileId) };
  }

  /** After the commit: memory follows what was written. */
  remember({ profiles, identifiers }: IdentityChanges): void {
    for (const { survivorId: _, isNew, ...profile } of profiles) {
      this.#keep({ ...profile, version: isNew ? 0 : profile.version + 1 });
    }
    for (const { profileId, survivorId } of profiles) {
      const loser = this.#profiles.get(profileId);
      if (loser !== undefined && profileId !== survivorId) loser.survivor = this.#profiles.get(survivorId) ?? null;
    }
    for (const identifier of identifiers) {
      const owner = this.#profiles.get(identifier.profileId);
      if (owner !== undefined) this.#owners.set(identifierKey(identifier.workspace, identifier), owner);
    }
  }

  reset(): void {
    this.#profiles.clear();
    this.#owners.clear();
  }

  async #lookUp(hashes: readonly string[], names: readonly WorkspaceName[], ids: readonly string[]): Promise<Row[]> {
    if (hashes.length === 0 && names.length === 0 && ids.length === 0) return [];
    const { rows } = await this.pool.query<Row>({
      name: 'look-up',
      text: LOOK_UP,
      values: [
        plainArray(hashes), names.map(({ workspace }) => workspace), names.map(({ type }) => type), names.map(({ value }) => value),
        plainArray(ids),
      ],
    });
    return rows;
  }

  /** One object for a profile, shared by all its identifiers, so that a change reaches all. */
  #keep({ workspace, profileId, known, createdMs, version }: StoredProfile): CachedProfile {
    const kept = this.#profiles.get(profileId);
    if (kept !== undefined) return Object.assign(kept, { known, version, survivor: null });
    const fresh: CachedProfile = { workspace, profileId, known, createdMs, version, survivor: null };
    this.#profiles.set(profileId, fresh);
    return fresh;
  }
}

/** An array literal of values that need no quoting: cheaper than quoting each. */
export function plainArray(values: readonly (string | number | boolean)[]): string {
  return `{${values.join(',')}}`;
}

/** Part 0: a hash that was seen. Part 1: the survivor of the n-th identifier. Part 2: that of the n-th profile. */
interface Row extends StoredProfile {
  readonly part: 0 | 1 | 2;
  readonly hash: string;
  readonly n: number;
}

const LOOK_UP = `
  select part, hash, n, workspace, profile_id as "profileId", known, created_ms as "createdMs", version
  from ingestion.look_up($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[])`;

function rootOf(profile: CachedProfile): CachedProfile {
  let root = profile;
  while (root.survivor !== null) root = root.survivor;
  return root;
}
