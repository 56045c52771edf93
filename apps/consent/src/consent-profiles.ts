import type { Pool } from '@tributary/postgres/pool';
import { notFound } from '@tributary/service/problem';
import { parseRef, type ProfileDirectory } from '@tributary/service/profile-directory';
import type { Naming } from './consent-ledger.postgres.js';

/** A person as the ledger names them. */
export interface ConsentProfile {
  readonly profileId: string;
  /** Set where nobody but the caller knows the person yet. */
  readonly naming: Naming | null;
}

/**
 * Whom a reference means. A person may have decided before anything else is known of them: until ingestion has made the
 * profile, the ledger knows it by the id that it is going to have.
 */
export class ConsentProfiles {
  constructor(private readonly pool: Pool, private readonly directory: ProfileDirectory) {}

  /** @throws Problem 404 for a profile id that nobody knows; an identifier always names somebody */
  async findOrName(workspace: string, ref: string): Promise<ConsentProfile> {
    const found = await this.directory.find(workspace, ref);
    if (found !== null) return { profileId: found, naming: null };
    const parsed = parseRef(ref);
    if (!('id' in parsed)) return { profileId: await this.#nameProfile(workspace, parsed), naming: parsed };
    if (!(await this.#isInLedger(workspace, parsed.id))) throw notFound('profile with this id');
    return { profileId: parsed.id, naming: null };
  }

  /** @throws Problem 404 for somebody who neither has a profile nor ever decided */
  async find(workspace: string, ref: string): Promise<string> {
    const { profileId, naming } = await this.findOrName(workspace, ref);
    if (naming !== null && !(await this.#isInLedger(workspace, profileId))) throw notFound('profile with this identifier');
    return profileId;
  }

  /** The id that ingestion is going to give to a profile made for this identifier. */
  async #nameProfile(workspace: string, { type, value }: Naming): Promise<string> {
    const { rows } = await this.pool.query<{ id: string }>({
      name: 'name-profile',
      text: 'select ingestion.name_profile($1, $2, $3) as id',
      values: [workspace, type, value],
    });
    return (rows[0] as { id: string }).id;
  }

  async #isInLedger(workspace: string, profileId: string): Promise<boolean> {
    const { rowCount } = await this.pool.query({
      name: 'find-in-ledger',
      text: 'select from consent.decisions where profile_id = $2 and workspace = $1 limit 1',
      values: [workspace, profileId],
    });
    return rowCount !== 0;
  }
}
