// A fast wrong run is void: after every run, memberships must be those that SQL finds in the history.
import pg from 'pg';
import { compileSql } from '@tributary/domain/segmentation/sql/compile-sql';
import type { SegmentDefinition } from '@tributary/domain/segmentation/sql/context';

pg.types.setTypeParser(pg.types.builtins.INT8, Number);

export interface CheckResult {
  readonly members: number;
  /** Memberships that the engine has and SQL has not, and the other way round. */
  readonly wrong: number;
  readonly events: number;
  readonly examples: readonly string[];
}

/** Resolves when everything appended before now has been applied: the watermark has gone by. */
export async function waitForQuiet(url: string, timeoutMs = 120_000): Promise<number> {
  const client = await connect(url);
  const untilMs = Date.now();
  try {
    for (const giveUpMs = Date.now() + timeoutMs; Date.now() < giveUpMs; await new Promise((resolve) => setTimeout(resolve, 200))) {
      const { rows } = await client.query(`select min(watermark_ms) as as_of, count(*) as known from stream.progress where stage = 'segmentation'`);
      if (rows[0].as_of > untilMs) return Date.now() - untilMs;
    }
    throw new Error('the backlog did not drain in time');
  } finally {
    await client.end();
  }
}

/** Compares at one instant: stops the clock by reading both inside one snapshot, at the watermark. */
export async function checkMemberships(url: string, workspace: string, segments: readonly SegmentDefinition[]): Promise<CheckResult> {
  const client = await connect(url);
  try {
    await client.query('begin isolation level repeatable read read only');
    const { rows: [standing] } = await client.query(`select min(watermark_ms) as as_of from stream.progress where stage = 'segmentation'`);
    const context = { workspace, relations: { profiles: 'segmentation.rule_profiles', events: 'scoring.history', lists: 'segmentation.list_members', clusters: 'segmentation.rule_clusters', computed: 'segmentation.rule_computed' }, segments };
    let wrong = 0;
    let members = 0;
    const examples: string[] = [];
    for (const segment of segments) {
      // Rows fired by the watermark of one partition may be ahead of another by less than a tick: compare where both agree.
      const at = compileSql(segment, context, standing.as_of - 1);
      const { rows: expected } = await client.query<{ profile_id: string }>(at.text, [...at.values]);
      const { rows: found } = await client.query<{ profile_id: string; since_ms: number }>('select profile_id, since_ms from segmentation.memberships where workspace = $1 and segment = $2', [workspace, segment.key]);
      const left = await client.query<{ profile_id: string }>(`select distinct profile_id from segmentation.changes where workspace = $1 and segment = $2 and change = 'left' and effective_ms >= $3`, [workspace, segment.key, standing.as_of]);
      const foundThen = new Set([...found.filter(({ since_ms }) => since_ms < standing.as_of).map(({ profile_id }) => profile_id), ...left.rows.map(({ profile_id }) => profile_id)]);
      const expectedThen = new Set(expected.map(({ profile_id }) => profile_id));
      members += found.length;
      for (const id of foundThen) if (!expectedThen.has(id)) { wrong++; if (examples.length < 5) examples.push(`${segment.key}: ${id} is in, SQL says out`); }
      for (const id of expectedThen) if (!foundThen.has(id)) { wrong++; if (examples.length < 5) examples.push(`${segment.key}: ${id} is out, SQL says in`); }
    }
    const { rows: [events] } = await client.query('select count(*) as count from scoring.history where workspace = $1', [workspace]);
    await client.query('rollback');
    return { members, wrong, events: events.count, examples };
  } finally {
    await client.end();
  }
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}
