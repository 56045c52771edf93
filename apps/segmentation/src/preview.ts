import { compileSql, type SqlQuery } from '@tributary/domain/segmentation/sql/compile-sql';
import type { SegmentDefinition, SqlContext } from '@tributary/domain/segmentation/sql/context';
import type { Pool } from '@tributary/postgres/pool';
import { encodeCursor } from '@tributary/service/page';
import { notFound } from '@tributary/service/problem';
import type { MembersStore } from './members.postgres.js';
import type { PreviewBody } from './segment-bodies.js';
import type { SegmentDefinitions } from './segment-definitions.js';
import { type SegmentsStore, toRule } from './segments.postgres.js';
import { toIso } from './show-segment.js';

const SAMPLE = 20;
/** A preview over a large history may take long; it never takes longer. */
const PREVIEW_TIMEOUT_MS = 30_000;

interface Sample {
  readonly count: number;
  readonly sample: readonly { readonly profileId: string }[];
}

/** Who a rule selects, and who would enter and leave were it put in the place of what stands. */
export interface Comparison extends Sample {
  readonly enter: Sample;
  readonly leave: Sample;
}

/** The SQL form of rules over the event history: what a rule would select, now or at an instant in the past. */
export class Preview {
  constructor(private readonly options: { readonly pool: Pool; readonly segments: SegmentsStore; readonly members: MembersStore; readonly definitions: SegmentDefinitions }) {}

  async preview(workspace: string, body: PreviewBody): Promise<Comparison> {
    const { segments, members, definitions } = this.options;
    const current = await segments.list(workspace);
    if (body.replaces !== undefined && !current.some(({ key }) => key === body.replaces)) throw notFound('segment that this would replace');
    const { value } = await definitions.validate(workspace, body.replaces ?? ' preview', body, current);
    const { asOfMs } = await members.standing();
    const segment: SegmentDefinition = { key: body.replaces ?? ' preview', rule: value.rule, ...(value.stay === null ? {} : { stay: value.stay }) };
    const context = await this.#context(workspace, current.filter(({ key }) => key !== body.replaces).map(toRule));
    const query = compileSql(segment, context, asOfMs ?? 0);
    return this.#compare(query, workspace, body.replaces ?? null);
  }

  async membersAsOf(workspace: string, key: string, page: { readonly asOfMs: number; readonly after: string | null; readonly limit: number }): Promise<object> {
    const current = await this.options.segments.list(workspace);
    const segment = current.find((candidate) => candidate.key === key);
    if (segment === undefined) throw notFound('segment with this key');
    const context = await this.#context(workspace, current.filter((candidate) => candidate.key !== key).map(toRule));
    const query = compileSql(toRule(segment), context, page.asOfMs);
    const values = [...query.values, page.after, page.limit];
    const rows = await this.#run<{ id: string }>(
      `select profile_id as id from (${query.text}) m where $${values.length - 1}::uuid is null or profile_id > $${values.length - 1} order by 1 limit $${values.length}`, values);
    return { members: rows.map(({ id }) => ({ profileId: id, since: null })), cursor: rows.length === page.limit ? encodeCursor([(rows[rows.length - 1] as { id: string }).id]) : null, asOf: toIso(page.asOfMs) };
  }

  async #compare({ text, values }: SqlQuery, workspace: string, replaces: string | null): Promise<Comparison> {
    const all = [...values, workspace, replaces];
    const [w, r] = [`$${all.length - 1}`, `$${all.length}`];
    const rows = await this.#run<{ what: string; count: number; sample: string[] | null }>(
      `with next as materialized (select profile_id from (${text}) m),
        present as materialized (select profile_id from segmentation.memberships where workspace = ${w}::text and segment = ${r}::text),
        entering as (select profile_id from next except select profile_id from present),
        leaving as (select profile_id from present except select profile_id from next)
       ${['next', 'entering', 'leaving'].map((what) => `select '${what}' as what, (select count(*) from ${what}) as count, (select array_agg(profile_id) from (select profile_id from ${what} order by 1 limit ${SAMPLE}) s) as sample`).join(' union all ')}`, all);
    const found = new Map(rows.map(({ what, count, sample }) => [what, { count, sample: (sample ?? []).map((profileId) => ({ profileId })) }]));
    const of = (what: string): Sample => found.get(what) ?? { count: 0, sample: [] };
    return { ...of('next'), enter: of('entering'), leave: of('leaving') };
  }

  async #run<Row extends object>(text: string, values: readonly unknown[]): Promise<Row[]> {
    const client = await this.options.pool.connect();
    try {
      await client.query('begin read only');
      await client.query(`set local statement_timeout = ${PREVIEW_TIMEOUT_MS}`);
      const { rows } = await client.query<Row>(text, [...values]);
      return rows;
    } finally {
      await client.query('rollback').catch(() => undefined);
      client.release();
    }
  }

  async #context(workspace: string, segments: readonly SegmentDefinition[]): Promise<SqlContext> {
    const { rows } = await this.options.pool.query<{ timezone: string | null; purposes: SqlContext['purposes'] }>(
      `select (select timezone from ingestion.workspaces_public where workspace = $1) as timezone,
        coalesce((select jsonb_object_agg(purpose, policy) from consent.purposes_public where workspace = $1), '{}') as purposes`,
      [workspace],
    );
    const found = rows[0];
    return {
      workspace,
      relations: { profiles: 'segmentation.rule_profiles', events: 'scoring.history', lists: 'segmentation.list_members', clusters: 'segmentation.rule_clusters', computed: 'segmentation.rule_computed' },
      segments,
      timezone: found?.timezone ?? 'UTC',
      purposes: found?.purposes ?? {},
    };
  }
}
