// The tables of rule cases, run against the SQL form.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { compileChangesSql, compileSql, compileSqlAtPoints } from '@tributary/domain/segmentation/sql/compile-sql';
import { startOracleDatabase, type OracleDatabase } from './oracle-database.ts';
import { changesOf, contextOf, historyOf, instantMs, isForSql, SEGMENT_KEY, segmentOf, type RuleCase } from './rule-case.ts';
import { createRelations, loadHistory, loadPoints } from './sql-history.ts';

const tablesDir = join(import.meta.dirname, '..', '..', 'libs', 'domain', 'src', 'segmentation');
const tables = readdirSync(tablesDir, { recursive: true, encoding: 'utf8' })
  .filter((file) => /^(sql|cases)\/.*\.cases\.json$/.test(file))
  .map((file) => ({ file, cases: JSON.parse(readFileSync(join(tablesDir, file), 'utf8')) as RuleCase[] }));

tables.push({ file: 'open-cases.json', cases: JSON.parse(readFileSync(join(import.meta.dirname, 'open-cases.json'), 'utf8')) as RuleCase[] });

let database: OracleDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await startOracleDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await createRelations(client);
});

afterAll(async () => {
  await client?.end();
  await database?.stop();
});

describe.each(tables)('$file in SQL', ({ file, cases }) => {
  const asked = cases.filter((one) => file.startsWith('sql/') || isForSql(one));
  test.each(asked.map((one, i) => ({ ...one, i })))('$sentence $name', async (ruleCase) => {
    const workspace = `${file}#${ruleCase.i}`;
    const history = historyOf(ruleCase);
    await loadHistory(client, workspace, history);
    const nowMs = instantMs(ruleCase.now);
    const segment = segmentOf(ruleCase);
    const context = contextOf(ruleCase, workspace);

    const atNow = compileSql(segment, context, nowMs);
    const { rows } = await client.query(atNow.text, [...atNow.values]);
    expect({ member: rows.length > 0 }).toEqual({ member: ruleCase.member });

    // The next flip by time: as it is now until the ms before, the other way at it.
    const flipsAtMs = typeof ruleCase.flipsAt === 'string' || typeof ruleCase.flipsAt === 'number' ? instantMs(ruleCase.flipsAt) : undefined;
    const points = [nowMs, ...(flipsAtMs === undefined ? [] : [flipsAtMs - 1, flipsAtMs])];
    await loadPoints(client, workspace, points.map((atMs) => ({ profileId: history.profileId, atMs })));
    const atPoints = compileSqlAtPoints(segment, context, `(SELECT * FROM oracle_points WHERE workspace = '${workspace}')`);
    const found = await client.query<{ at_ms: string; segment: string }>(atPoints.text, [...atPoints.values]);
    const memberAt = points.map((atMs) => found.rows.some((row) => Number(row.at_ms) === atMs && row.segment === SEGMENT_KEY));
    expect(memberAt).toEqual([ruleCase.member, ...(flipsAtMs === undefined ? [] : [ruleCase.member, !ruleCase.member])]);

    // The replay of the past ends where the question at the instant ends.
    const horizonMs = flipsAtMs ?? nowMs + (ruleCase.flipsAt === null ? 400 * 86_400_000 : 0);
    const changes = compileChangesSql(segment, context, horizonMs);
    const replayed = (await client.query<{ at_ms: string; inside: boolean }>(changes.text, [...changes.values])).rows.map((row) => ({ atMs: Number(row.at_ms), inside: row.inside }));
    expect(replayed.map(({ inside }) => inside)).toEqual(replayed.map((_, i) => i % 2 === 0));
    const past = replayed.filter(({ atMs }) => atMs <= nowMs);
    expect({ replayed: past.at(-1)?.inside ?? false }).toEqual({ replayed: ruleCase.member });
    const wanted = changesOf(ruleCase);
    if (wanted) expect(past.map(({ atMs }) => new Date(atMs).toISOString())).toEqual(wanted);
    if (ruleCase.flipsAt !== undefined) {
      expect(replayed.filter(({ atMs }) => atMs > nowMs).map(({ atMs }) => new Date(atMs).toISOString()).slice(0, 1))
        .toEqual(flipsAtMs === undefined ? [] : [new Date(flipsAtMs).toISOString()]);
    }
  });
});
