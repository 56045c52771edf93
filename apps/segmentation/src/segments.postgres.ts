import type { Pool } from '@tributary/postgres/pool';
import type { PoolClient } from 'pg';
import type { RuleNode, SegmentRule } from '@tributary/contracts/rule';

/** A segment as people define it. */
export interface SegmentRow {
  readonly workspace: string;
  readonly key: string;
  readonly name: string;
  readonly description: string;
  readonly rule: RuleNode;
  readonly stay: RuleNode | null;
  readonly version: number;
  readonly paused: boolean;
  /** The definitions version since which it is as it is. */
  readonly definitionsVersion: number;
  readonly createdMs: number;
  readonly updatedMs: number;
}

const COLUMNS = `workspace, key, name, description, rule, stay, version, paused, definitions_version as "definitionsVersion",
  created_ms as "createdMs", updated_ms as "updatedMs"`;

/** A change of definitions: what the workspace's segments are from now on. */
export type DefinitionChange =
  | { readonly kind: 'put'; readonly segment: Omit<SegmentRow, 'definitionsVersion'> }
  | { readonly kind: 'delete'; readonly workspace: string; readonly key: string };

/** The newest definitions of each workspace beside what they would be compiled with now. */
const CONTEXTS = `
  select d.workspace, d.version, d.segments, d.timezone as old_timezone, d.purposes as old_purposes, w.timezone,
    coalesce((select jsonb_object_agg(purpose, policy) from consent.purposes_public p where p.workspace = d.workspace), '{}') as purposes
  from ingestion.workspaces_public w
  cross join lateral (select * from segmentation.definitions d where d.workspace = w.workspace order by version desc limit 1) d`;

const OUTDATED = `select workspace from (${CONTEXTS}) c where timezone <> old_timezone or purposes <> old_purposes`;

const RENEW = `
  insert into segmentation.definitions (workspace, version, timezone, purposes, segments, created_ms)
  select workspace, version + 1, timezone, purposes, segments, $2 from (${CONTEXTS} where w.workspace = $1) c
  where timezone <> old_timezone or purposes <> old_purposes`;

/** Segments by workspace. A change makes a new definitions version, complete in itself, in one transaction. */
export class SegmentsStore {
  constructor(private readonly pool: Pool, private readonly clock: () => number) {}

  async list(workspace: string): Promise<SegmentRow[]> {
    const { rows } = await this.pool.query<SegmentRow>(`select ${COLUMNS} from segmentation.segments where workspace = $1 order by key`, [workspace]);
    return rows;
  }

  async find(workspace: string, key: string): Promise<SegmentRow | null> {
    const { rows } = await this.pool.query<SegmentRow>(`select ${COLUMNS} from segmentation.segments where workspace = $1 and key = $2`, [workspace, key]);
    return rows[0] ?? null;
  }

  /**
   * Decides under the workspace's lock, so that two changes at once see each other; then writes what was decided.
   * @param decide gets the segments as they stand; what it throws changes nothing
   */
  async change(workspace: string, decide: (current: readonly SegmentRow[]) => DefinitionChange): Promise<SegmentRow | null> {
    return this.locked(workspace, async (client) => {
      const current = await client.query<SegmentRow>(`select ${COLUMNS} from segmentation.segments where workspace = $1 order by key`, [workspace]);
      const change = decide(current.rows);
      const { rows: [newest] } = await client.query<{ version: number }>('select coalesce(max(version), 0) + 1 as version from segmentation.definitions where workspace = $1', [workspace]);
      const version = (newest as { version: number }).version;
      const after = change.kind === 'put' ? [...current.rows.filter(({ key }) => key !== change.segment.key), { ...change.segment, definitionsVersion: version }] : current.rows.filter(({ key }) => key !== change.key);
      if (change.kind === 'put') {
        const { segment } = change;
        await client.query(
          `insert into segmentation.segments (workspace, key, name, description, rule, stay, version, paused, definitions_version, created_ms, updated_ms)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
           on conflict (workspace, key) do update set name = excluded.name, description = excluded.description, rule = excluded.rule, stay = excluded.stay,
             version = excluded.version, paused = excluded.paused, definitions_version = excluded.definitions_version, updated_ms = excluded.updated_ms`,
          [workspace, segment.key, segment.name, segment.description, JSON.stringify(segment.rule), segment.stay === null ? null : JSON.stringify(segment.stay), segment.version, segment.paused, version, segment.createdMs, segment.updatedMs],
        );
      } else {
        await client.query('delete from segmentation.segments where workspace = $1 and key = $2', [workspace, change.key]);
      }
      await client.query(
        `insert into segmentation.definitions (workspace, version, timezone, purposes, segments, created_ms)
         select $1, $2,
           coalesce((select timezone from ingestion.workspaces_public where workspace = $1), 'UTC'),
           coalesce((select jsonb_object_agg(purpose, policy) from consent.purposes_public where workspace = $1), '{}'),
           $3, $4`,
        [workspace, version, JSON.stringify(after.filter(({ paused }) => !paused).map(toRule)), this.clock()],
      );
      return change.kind === 'put' ? { ...change.segment, definitionsVersion: version } : null;
    });
  }

  /**
   * Time zone and policies of purposes are part of a definitions version: where they changed elsewhere, a new version
   * is made with the same segments. Harmless when several instances do it at once.
   * @returns the workspaces that have a new version
   */
  async renewContexts(): Promise<string[]> {
    const { rows } = await this.pool.query<{ workspace: string }>({ name: 'outdated-contexts', text: OUTDATED });
    const renewed: string[] = [];
    for (const { workspace } of rows) {
      // Asked again under the lock: another instance may have been faster.
      const made = await this.locked(workspace, (client) => client.query(RENEW, [workspace, this.clock()]));
      if (made.rowCount === 1) renewed.push(workspace);
    }
    return renewed;
  }

  /** One transaction under the lock of the workspace's definitions. */
  async locked<Result>(workspace: string, work: (client: PoolClient) => Promise<Result>): Promise<Result> {
    const client = await this.pool.connect();
    try {
      await client.query('begin');
      await client.query('select pg_advisory_xact_lock(hashtextextended($1, 17))', [`segmentation.definitions:${workspace}`]);
      const result = await work(client);
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback').catch(() => undefined);
      throw error;
    } finally {
      client.release();
    }
  }
}

export function toRule({ key, version, rule, stay }: SegmentRow): SegmentRule {
  return { key, version, rule, ...(stay === null ? {} : { stay }) };
}
