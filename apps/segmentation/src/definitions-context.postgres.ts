import type { Pool } from '@tributary/postgres/pool';

/** What rules may refer to in a workspace, besides its segments. */
export interface RuleContext {
  readonly scores: ReadonlySet<string>;
  readonly computed: ReadonlyMap<string, 'number' | 'text'>;
  readonly clusters: ReadonlySet<string>;
  readonly lists: ReadonlySet<string>;
  /** Event names that some source has sent: others are allowed, with a warning. */
  readonly seenEvents: ReadonlySet<string>;
}

/** Names seen are looked for among this many of the newest events. */
const SEEN_EVENTS = 20_000;

/** Reads what rules of a workspace may refer to. */
export class DefinitionsContext {
  constructor(private readonly pool: Pool) {}

  async read(workspace: string): Promise<RuleContext> {
    const [lists, seen] = await Promise.all([
      this.pool.query<{ key: string }>('select key from segmentation.lists where workspace = $1', [workspace]),
      this.pool.query<{ name: string }>('select distinct name from (select name from scoring.history where workspace = $1 limit $2) h', [workspace, SEEN_EVENTS]),
    ]);
    return {
      scores: new Set(['engagement']),
      computed: new Map(),
      clusters: new Set(),
      lists: new Set(lists.rows.map(({ key }) => key)),
      seenEvents: new Set(seen.rows.map(({ name }) => name)),
    };
  }

  /** What uses a segment besides other segments, in words. */
  async usersOutside(workspace: string, key: string): Promise<string[]> {
    const { rows } = await this.pool.query<{ key: string }>('select automation as key from delivery.segments_used where workspace = $1 and segment = $2', [workspace, key]);
    return rows.map((row) => `automation "${row.key}"`);
  }
}
