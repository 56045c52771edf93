import type { Pool } from '@tributary/postgres/pool';
import { parseRef } from '@tributary/service/profile-directory';

export interface ListRow {
  readonly key: string;
  readonly name: string;
  readonly count: number;
  readonly createdMs: number;
}

const COLUMNS = `l.key, l.name, l.created_ms as "createdMs",
  (select count(distinct m.profile_id) from segmentation.list_members m where m.workspace = l.workspace and m.list = l.key and m.to_ms is null) as count`;

/** References looked up in one query. */
const LOOKUP_MAX = 2_000;

/** Static lists and who is on them, as committed. */
export class ListsStore {
  constructor(private readonly pool: Pool, private readonly clock: () => number) {}

  /** False when there is one with this key already. */
  async create(workspace: string, key: string, name: string): Promise<boolean> {
    const { rowCount } = await this.pool.query('insert into segmentation.lists (workspace, key, name, created_ms) values ($1, $2, $3, $4) on conflict do nothing', [workspace, key, name, this.clock()]);
    return rowCount === 1;
  }

  async page(workspace: string, after: string | null, limit: number): Promise<ListRow[]> {
    const { rows } = await this.pool.query<ListRow>(
      `select ${COLUMNS} from segmentation.lists l where l.workspace = $1 and ($2::text is null or l.key > $2) order by l.key limit $3`, [workspace, after, limit]);
    return rows;
  }

  async find(workspace: string, key: string): Promise<ListRow | null> {
    const { rows } = await this.pool.query<ListRow>(`select ${COLUMNS} from segmentation.lists l where l.workspace = $1 and l.key = $2`, [workspace, key]);
    return rows[0] ?? null;
  }

  async delete(workspace: string, key: string): Promise<void> {
    await this.pool.query('delete from segmentation.lists where workspace = $1 and key = $2', [workspace, key]);
  }

  /** The number of the next change; null where there is no such list. Numbers are never used twice, not even by a list that comes back. */
  async nextChange(workspace: string, key: string): Promise<number | null> {
    const { rows } = await this.pool.query<{ number: number }>(
      `select nextval('segmentation.list_change') as number from segmentation.lists where workspace = $1 and key = $2`, [workspace, key]);
    return rows[0]?.number ?? null;
  }

  /** The next members by profile id, after one of them. */
  async members(workspace: string, key: string, after: string | null, limit: number): Promise<string[]> {
    const { rows } = await this.pool.query<{ id: string }>(
      `select distinct profile_id as id from segmentation.list_members
       where workspace = $1 and list = $2 and to_ms is null and ($3::uuid is null or profile_id > $3) order by 1 limit $4`, [workspace, key, after, limit]);
    return rows.map(({ id }) => id);
  }

  /**
   * The profiles that references mean, in their order; null where there is none.
   * @throws Problem 400 for a malformed reference
   */
  async resolve(workspace: string, refs: readonly string[]): Promise<(string | null)[]> {
    const parsed = refs.map(parseRef);
    const found: (string | null)[] = [];
    for (let index = 0; index < parsed.length; index += LOOKUP_MAX) {
      const some = parsed.slice(index, index + LOOKUP_MAX);
      const { rows } = await this.pool.query<{ id: string | null }>({
        name: 'resolve-refs',
        text: `select coalesce(v.survivor_id, i.profile_id) as id
          from unnest($2::uuid[], $3::text[], $4::text[]) with ordinality q(id, type, value, place)
          left join ingestion.profile_survivors v on v.workspace = $1 and v.profile_id = q.id
          left join ingestion.profile_identifiers i on i.workspace = $1 and i.type = q.type and i.value = q.value
          order by q.place`,
        values: [workspace, some.map((ref) => ('id' in ref ? ref.id : null)), some.map((ref) => ('id' in ref ? null : ref.type)), some.map((ref) => ('id' in ref ? null : ref.value))],
      });
      found.push(...rows.map(({ id }) => id));
    }
    return found;
  }
}
