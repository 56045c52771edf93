import type { Pool } from '@tributary/postgres/pool';

/** What rules may refer to in a workspace, besides its segments. */
export interface RuleContext {
  readonly scores: ReadonlySet<string>;
  readonly computed: ReadonlyMap<string, 'number' | 'text'>;
  readonly clusters: ReadonlyMap<string, ReadonlySet<string>>;
  readonly lists: ReadonlySet<string>;
  /** What some source has sent: other names are allowed, with a warning. */
  readonly seen: { readonly events: ReadonlySet<string>; readonly traits: ReadonlySet<string>; readonly properties: ReadonlyMap<string, ReadonlySet<string>> };
}

/** Names seen are looked for among this many of the newest events. */
const SEEN_EVENTS = 2_000;

/** Reads what rules of a workspace may refer to. */
export class DefinitionsContext {
  constructor(private readonly pool: Pool) {}

  async read(workspace: string): Promise<RuleContext> {
    const [lists, events, traits] = await Promise.all([
      this.pool.query<{ key: string }>('select key from segmentation.lists where workspace = $1', [workspace]),
      this.pool.query<{ name: string; properties: string[] }>(
        `select name, array_agg(distinct property) filter (where property is not null) as properties
         from (select name, body from scoring.history where workspace = $1 and name <> '' limit $2) h
         left join lateral jsonb_object_keys(case when jsonb_typeof(h.body -> 'properties') = 'object' then h.body -> 'properties' else '{}' end) property on true
         group by name`,
        [workspace, SEEN_EVENTS],
      ),
      this.pool.query<{ trait: string }>(
        'select distinct trait from (select traits from scoring.profiles_public where workspace = $1 limit $2) p cross join lateral jsonb_object_keys(p.traits) trait',
        [workspace, SEEN_EVENTS],
      ),
    ]);
    return {
      scores: new Set(['engagement']),
      computed: new Map(),
      clusters: new Map(),
      lists: new Set(lists.rows.map(({ key }) => key)),
      seen: {
        events: new Set(events.rows.map(({ name }) => name)),
        traits: new Set(traits.rows.map(({ trait }) => trait)),
        properties: new Map(events.rows.map(({ name, properties }) => [name, new Set(properties ?? [])])),
      },
    };
  }

  /** What uses a segment besides other segments, in words. */
  async usersOutside(workspace: string, key: string): Promise<string[]> {
    const { rows } = await this.pool.query<{ key: string }>('select automation as key from delivery.segments_used where workspace = $1 and segment = $2', [workspace, key]);
    return rows.map((row) => `automation "${row.key}"`);
  }
}
