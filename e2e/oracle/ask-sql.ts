// The SQL form, asked about one case.
import type pg from 'pg';
import type { Json } from '@tributary/contracts/rule';
import { compileChangesSql, compileSql, compileSqlAtPoints } from '@tributary/domain/segmentation/sql/compile-sql';
import type { MatchedStrings, SegmentDefinition, SqlContext } from '@tributary/domain/segmentation/sql/context';
import { listOutsidePatterns } from '@tributary/domain/segmentation/sql/list-outside-patterns';
import { compilePattern } from './feed-engine.ts';
import type { OracleCase } from './oracle-case.ts';
import { PURPOSE_POLICIES } from './oracle-case.ts';
import type { RandomProfile } from './random-history.ts';
import { clearRelations, loadHistory, loadPoints, relations, type History, type Piece } from './sql-history.ts';

/** At an instant the person enters or leaves. */
export interface Change {
  readonly atMs: number;
  readonly inside: boolean;
}

export interface Point {
  readonly profileId: string;
  readonly atMs: number;
}

const HISTORIES_HELD_MAX = 200;
let loaded = 0;

/** One history in the database, with the segments that are asked about it. */
export class SqlCase {
  private readonly client: pg.ClientBase;
  private readonly workspace: string;
  private readonly context: SqlContext;

  private constructor(client: pg.ClientBase, workspace: string, context: SqlContext) {
    this.client = client;
    this.workspace = workspace;
    this.context = context;
  }

  static async load(client: pg.ClientBase, { scene, segments }: OracleCase, history: History): Promise<SqlCase> {
    if (++loaded % HISTORIES_HELD_MAX === 0) await clearRelations(client);
    const workspace = `case-${loaded}`;
    await loadHistory(client, workspace, history);
    const context: SqlContext = { workspace, relations, timezone: scene.timezone, purposes: PURPOSE_POLICIES, segments };
    return new SqlCase(client, workspace, { ...context, matches: await matchOutside(client, segments, context) });
  }

  /** By profile, in order. */
  async changes(segment: SegmentDefinition, upToMs: number): Promise<ReadonlyMap<string, readonly Change[]>> {
    const { text, values } = compileChangesSql(segment, this.context, upToMs);
    const { rows } = await this.client.query<{ profile_id: string; at_ms: string; inside: boolean }>(text, [...values]);
    return Map.groupBy(rows.map((row) => ({ profileId: row.profile_id, atMs: Number(row.at_ms), inside: row.inside })), ({ profileId }) => profileId);
  }

  async isMemberAt(segments: readonly SegmentDefinition[], points: readonly Point[]): Promise<(segment: string, point: Point) => boolean> {
    await loadPoints(this.client, this.workspace, points);
    const { text, values } = compileSqlAtPoints(segments, this.context, `(SELECT profile_id, at_ms FROM oracle_points WHERE workspace = '${this.workspace}')`);
    const { rows } = await this.client.query<{ profile_id: string; at_ms: string; segment: string }>(text, [...values]);
    const found = new Set(rows.map((row) => `${row.segment} ${row.profile_id} ${row.at_ms}`));
    return (segment, { profileId, atMs }) => found.has(`${segment} ${profileId} ${atMs}`);
  }

  async isMember(segments: readonly SegmentDefinition[], atMs: number): Promise<(segment: string, profileId: string) => boolean> {
    const { text, values } = compileSql(segments, this.context, atMs);
    const { rows } = await this.client.query<{ profile_id: string; segment: string }>(text, [...values]);
    const found = new Set(rows.map((row) => `${row.segment} ${row.profile_id}`));
    return (segment, profileId) => found.has(`${segment} ${profileId}`);
  }
}

export function historyOf(profiles: readonly RandomProfile[]): History {
  const pieces = <Value>(kind: string, isOne: (value: Json) => boolean): (Piece & { key: string; value: Value })[] =>
    profiles.flatMap(({ profileId, switches }) =>
      switches.filter((one) => one.kind === kind).flatMap((one, i, all) => {
        const next = all.slice(i + 1).find(({ key }) => key === one.key);
        return isOne(one.value) ? [{ profileId, key: one.key, value: one.value as Value, fromMs: one.atMs, toMs: next?.atMs ?? null }] : [];
      }),
    );
  return {
    profiles,
    events: profiles.flatMap(({ events }) => events),
    lists: pieces('list', (value) => value === true).map((one) => ({ ...one, list: one.key })),
    clusters: pieces<string>('cluster', (value) => value !== null).map((one) => ({ ...one, model: one.key, label: one.value })),
    computed: pieces('computed', (value) => value !== null),
  };
}

async function matchOutside(client: pg.ClientBase, segments: readonly SegmentDefinition[], context: SqlContext): Promise<MatchedStrings[]> {
  const matched: MatchedStrings[] = [];
  for (const { pattern, ignoreCase, text, values } of listOutsidePatterns(segments, context)) {
    const { rows } = await client.query<{ value: string }>(text, [...values]);
    const matches = compilePattern(pattern, { ignoreCase });
    matched.push({ pattern, ignoreCase, strings: rows.map(({ value }) => value).filter(matches) });
  }
  return matched;
}
