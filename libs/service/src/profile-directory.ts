import type { Pool } from '@tributary/postgres/pool';
import { notFound, Problem } from './problem.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const REF_LENGTH_MAX = 1_024;

/** Finds profiles by `{ref}`: a profile id, or `<identifier type>:<value>`. Reads the views of ingestion. */
export class ProfileDirectory {
  constructor(private readonly pool: Pool) {}

  /**
   * The profile that a reference means; of a merged profile its survivor.
   * @throws Problem 404 for an unknown profile, 400 for what is no reference
   */
  async resolve(workspace: string, ref: string): Promise<string> {
    const found = await this.find(workspace, ref);
    if (found === null) throw notFound('profile with this id or identifier');
    return found;
  }

  async find(workspace: string, ref: string): Promise<string | null> {
    const parsed = parseRef(ref);
    const { rows } =
      'id' in parsed
        ? await this.pool.query<{ id: string }>({
            name: 'find-profile-by-id',
            text: 'select survivor_id as id from ingestion.profile_survivors where workspace = $1 and profile_id = $2',
            values: [workspace, parsed.id],
          })
        : await this.pool.query<{ id: string }>({
            name: 'find-profile-by-identifier',
            text: 'select profile_id as id from ingestion.profile_identifiers where workspace = $1 and type = $2 and value = $3',
            values: [workspace, parsed.type, parsed.value],
          });
    return rows[0]?.id ?? null;
  }
}

/** @throws Problem 400 */
export function parseRef(ref: string): { readonly id: string } | { readonly type: string; readonly value: string } {
  if (ref.length > REF_LENGTH_MAX) throw new Problem(400, 'malformed_ref', 'A profile reference has at most 1,024 characters.');
  if (UUID.test(ref)) return { id: ref };
  const colon = ref.indexOf(':');
  // The database holds no zero characters: nobody can have such an identifier.
  if (colon < 1 || colon === ref.length - 1 || ref.includes('\0')) {
    throw new Problem(400, 'malformed_ref', 'Name a profile by its id or as <identifier type>:<value>, percent-encoded, e.g. userId:42.');
  }
  const type = ref.slice(0, colon);
  const value = ref.slice(colon + 1);
  return { type, value: type === 'email' ? value.trim().toLowerCase() : value };
}
