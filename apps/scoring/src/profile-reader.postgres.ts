import type { Identifier } from '@tributary/contracts/change';
import type { Json } from '@tributary/contracts/rule';
import type { Pool } from '@tributary/postgres/pool';
import { parseRef } from '@tributary/service/profile-directory';

/** A profile as it stands, for queries. */
export interface ProfileRow {
  readonly profile_id: string;
  readonly traits: { readonly [name: string]: Json };
  readonly computed: { readonly [name: string]: Json };
  readonly scores: { readonly [key: string]: number };
  readonly cluster: string | null;
  readonly created_ms: number;
  readonly updated_ms: number;
  readonly identifiers: readonly Identifier[];
}

export interface EventRow {
  readonly message_id: string;
  readonly type: string;
  readonly ts_ms: number;
  readonly appended_ms: number;
  readonly body: { readonly [name: string]: Json };
}

/** Where a page of events goes on: the last one of the page before. */
export interface EventPosition {
  readonly timeMs: number;
  readonly messageId: string;
}

const PROFILE_COLUMNS = 'p.profile_id, p.traits, p.computed, p.scores, p.cluster, p.created_ms, p.updated_ms';

/** Reads profiles, their identifiers (from ingestion's view) and their events. */
export class ProfileReaderPostgres {
  constructor(private readonly pool: Pool) {}

  /** By id; those unknown or merged are left out. */
  async find(workspace: string, ids: readonly string[]): Promise<Map<string, ProfileRow>> {
    const { rows } = await this.pool.query<ProfileRow>({
      name: 'find-profiles',
      text: `select ${PROFILE_COLUMNS} from scoring.profiles_public p where p.workspace = $1 and p.profile_id = any($2::uuid[])`,
      values: [workspace, ids],
    });
    return new Map((await this.#withIdentifiers(workspace, rows)).map((row) => [row.profile_id, row]));
  }

  /** In the order of ids, after the one given. */
  async list(workspace: string, afterId: string | null, limit: number): Promise<readonly ProfileRow[]> {
    const { rows } = await this.pool.query<ProfileRow>({
      name: 'list-profiles',
      text: `select ${PROFILE_COLUMNS} from scoring.profiles_public p
        where p.workspace = $1 and p.profile_id > coalesce($2::uuid, '00000000-0000-0000-0000-000000000000') order by p.profile_id limit $3`,
      values: [workspace, afterId, limit],
    });
    return this.#withIdentifiers(workspace, rows);
  }

  /**
   * The ids that references mean, of merged profiles their survivors; in their order, null where unknown.
   * @throws Problem 400 for what is no reference
   */
  async resolve(workspace: string, refs: readonly string[]): Promise<readonly (string | null)[]> {
    const parsed = refs.map(parseRef);
    const ids = parsed.map((ref) => ('id' in ref ? ref.id : null));
    const types = parsed.map((ref) => ('id' in ref ? null : ref.type));
    const values = parsed.map((ref) => ('id' in ref ? null : ref.value));
    const { rows } = await this.pool.query<{ id: string | null }>({
      name: 'resolve-profiles',
      text: `select coalesce(s.survivor_id, i.profile_id) as id
        from unnest($2::uuid[], $3::text[], $4::text[]) with ordinality r(id, type, value, position)
        left join ingestion.profile_survivors s on s.workspace = $1 and s.profile_id = r.id
        left join ingestion.profile_identifiers i on i.workspace = $1 and i.type = r.type and i.value = r.value
        order by r.position`,
      values: [workspace, ids, types, values],
    });
    return rows.map(({ id }) => id);
  }

  /** Profiles with exactly this value as an identifier of any of these types. */
  async search(workspace: string, types: readonly string[], value: string): Promise<readonly string[]> {
    const { rows } = await this.pool.query<{ id: string }>({
      name: 'search-profiles',
      text: 'select distinct profile_id as id from ingestion.profile_identifiers where workspace = $1 and type = any($2::text[]) and value = $3 order by 1',
      values: [workspace, types, value],
    });
    return rows.map(({ id }) => id);
  }

  /** Newest first, by event time and message id. */
  async events(workspace: string, profileId: string, before: EventPosition | null, limit: number): Promise<readonly EventRow[]> {
    const { rows } = await this.pool.query<EventRow>({
      name: before === null ? 'newest-events' : 'events-before',
      text: `select message_id, type, ts_ms, appended_ms, body from scoring.history
        where workspace = $1 and profile_id = $2 ${before === null ? '' : 'and (ts_ms, message_id) < ($4::bigint, $5::text)'}
        order by ts_ms desc, message_id desc limit $3`,
      values: [workspace, profileId, limit, ...(before === null ? [] : [before.timeMs, before.messageId])],
    });
    return rows;
  }

  async #withIdentifiers(workspace: string, rows: readonly ProfileRow[]): Promise<readonly ProfileRow[]> {
    if (rows.length === 0) return [];
    const { rows: found } = await this.pool.query<Identifier & { profile_id: string }>({
      name: 'identifiers-of-profiles',
      text: 'select profile_id, type, value from ingestion.profile_identifiers where workspace = $1 and profile_id = any($2::uuid[]) order by type, value',
      values: [workspace, rows.map(({ profile_id: id }) => id)],
    });
    const byProfile = Map.groupBy(found, ({ profile_id: id }) => id);
    return rows.map((row) => ({ ...row, identifiers: (byProfile.get(row.profile_id) ?? []).map(({ type, value }) => ({ type, value })) }));
  }
}
