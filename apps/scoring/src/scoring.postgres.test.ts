import { createHash } from 'node:crypto';
import fc from 'fast-check';
import pg from 'pg';
import type { Entry } from '@tributary/contracts/entry';
import { type EngagementModel, standardEngagement } from '@tributary/domain/scoring/score-model';
import { type KeptProfile, ProfileStorePostgres } from './profile-store.postgres.js';
import { ScoringStage } from './scoring.stage.js';
import { ADA, aMail, aMerge, anEntry, anIdentify, aPageView, BOB, NOON_MS, transferOf, WORKSPACE } from './testing/an-entry.js';
import { FoldDriver } from './testing/drive-fold.js';
import { createScoringDatabase, type ScoringDatabase } from './testing/scoring-database.js';

let database: ScoringDatabase;
beforeAll(async () => (database = await createScoringDatabase()));
afterAll(() => database.drop());
afterEach(() => database.pool.query('delete from scoring.events; delete from scoring.profiles; delete from scoring.score_models'));

function aDriver(model = standardEngagement): FoldDriver<KeptProfile> {
  return new FoldDriver(new ScoringStage(new ProfileStorePostgres(database.pool), () => model));
}

async function commit(driver: FoldDriver<KeptProfile>): Promise<void> {
  await database.commit(await driver.save());
}

async function rowsOf<Row>(text: string, ...values: readonly unknown[]): Promise<Row[]> {
  return (await database.pool.query(text, [...values])).rows as Row[];
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

describe('what a batch stores', () => {
  test('is the profile and its events, as others may read them', async () => {
    const driver = aDriver();
    driver.apply(anIdentify({ plan: 'pro' }, { messageId: 'a' }), aPageView({ messageId: 'b', appendedAtMs: NOON_MS + 5, timestampMs: NOON_MS + 3, body: { properties: { path: '/ä' } } }));
    await commit(driver);
    expect(await rowsOf('select * from scoring.profiles_public')).toEqual([{
      workspace: WORKSPACE, profile_id: ADA, shard: 10, traits: { plan: 'pro' }, scores: { engagement: 3_000_000 }, cluster: null, created_ms: NOON_MS, updated_ms: NOON_MS + 5,
      computed: { events_count: 1, orders_count: 0, first_event: 'page', last_event: 'page', first_seen_at: '2026-11-23T12:00:00.003Z', last_seen_at: '2026-11-23T12:00:00.003Z' },
    }]);
    expect(await rowsOf('select * from scoring.history order by sequence')).toMatchObject([
      { workspace: WORKSPACE, profile_id: ADA, shard: 10, message_id: 'a', type: 'identify', name: '', ts_ms: NOON_MS, sequence: 1, body: { traits: { plan: 'pro' } } },
      { message_id: 'b', type: 'page', name: 'page', ts_ms: NOON_MS + 3, appended_ms: NOON_MS + 5, sequence: 2, body: { properties: { path: '/ä' } } },
    ]);
  });

  test('lets the stage go on, after it was loaded, as if nothing had happened', async () => {
    const history = [
      aPageView(), anIdentify({ plan: 'pro', city: 'Ulm' }), aMail('Email Delivered', 'a', { appendedAtMs: NOON_MS + 1 }), aMail('Email Opened', 'a', { appendedAtMs: NOON_MS + 2 }),
      anIdentify({ city: null }, { appendedAtMs: NOON_MS + 3 }), ...aMerge(BOB, ADA, NOON_MS + 4),
    ];
    const [without, reloading] = [aDriver(), aDriver()];
    for (const entry of history) {
      without.apply(entry);
      reloading.apply(entry);
      await commit(reloading);
      await reloading.reload({ workspace: WORKSPACE, profileId: ADA }, { workspace: WORKSPACE, profileId: BOB });
    }
    const transfer = transferOf(without.forwarded.find(({ kind }) => kind === 'merged') as Entry, NOON_MS + 5);
    for (const driver of [without, reloading]) {
      driver.apply(transfer, anIdentify({ city: 'older' }, { messageId: 'late', timestampMs: NOON_MS, appendedAtMs: NOON_MS + 6 }));
      driver.passTime(NOON_MS + 60 * DAY_MS);
    }
    expect(reloading.forwarded).toEqual(without.forwarded);
    expect({ ...reloading.stateOf(ADA), traitsChanged: true }).toEqual({ ...without.stateOf(ADA), traitsChanged: true });
  });

  test('may be stored again without a second copy', async () => {
    const entries = [anEntry(), aPageView()];
    for (let time = 0; time < 2; time++) {
      const driver = aDriver();
      driver.apply(...entries);
      await commit(driver);
    }
    expect(await rowsOf('select count(*)::int as count from scoring.events')).toEqual([{ count: 2 }]);
  });

  test('survives bodies and names that the database refuses', async () => {
    const driver = aDriver();
    const bodies = ['{"a":"\\u0000","\\ud800":"x"}', '{"a":"\\\\u0000 stays"}', '{"a":1e400,"b":-1e999999,"c":1e-999999}', '{"a":"\\udc00\\ud83d"}', '{"e":"\\ud83d\\ude00"}'];
    bodies.forEach((body, index) => driver.apply(anEntry({ messageId: `m${index}`, body: Buffer.from(body) })));
    driver.apply(anEntry({ messageId: 'm5', body: Buffer.from([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xff, 0x22, 0x7d]) }));
    driver.apply(anEntry({ messageId: 'm6\u0000', name: 'zero\u0000' }), anIdentify({ 'na\u0000me': 'va\u0000lue', half: '\ud800' }, { messageId: 'm7' }));
    await commit(driver);
    const rows = await rowsOf<{ message_id: string; body: unknown }>('select message_id, body from scoring.history order by message_id');
    expect(rows.map(({ body }) => body)).toEqual([
      { a: '\ufffd', '\ufffd': 'x' }, { a: '\\u0000 stays' }, { a: Number.MAX_VALUE, b: -Number.MAX_VALUE, c: 0 }, { a: '\ufffd\ufffd' }, { e: '😀' }, { a: '\ufffd' }, {},
      { traits: { 'na\ufffdme': 'va\ufffdlue', half: '\ufffd' } },
    ]);
    expect(await rowsOf('select traits, computed from scoring.profiles_public')).toMatchObject([{
      traits: { 'na\ufffdme': 'va\ufffdlue', half: '\ufffd' }, computed: { events_count: 7, last_event: 'zero\ufffd' },
    }]);
  });

  test('is open to other services through the views only', async () => {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      await client.query('create role scoring_reader; set role scoring_reader');
      for (const view of ['profiles_public', 'history', 'score_models_public']) await client.query(`select * from scoring.${view}`);
      await client.query('select * from scoring.engagement_at($1, $2)', [WORKSPACE, NOON_MS]);
      for (const table of ['profiles', 'events', 'score_models']) await expect(client.query(`select * from scoring.${table}`)).rejects.toThrow('permission denied for table');
    } finally {
      await client.query('reset role; drop role scoring_reader');
      await client.end();
    }
  });
});

describe('the history', () => {
  test('moves to the survivor of a merge, remembers whose it was, and takes no event twice', async () => {
    const driver = aDriver();
    const shared = aPageView({ messageId: 'both' });
    driver.apply(aPageView({ profileId: BOB, messageId: 'bob' }), { ...shared, profileId: BOB }, shared);
    driver.apply(...aMerge(BOB, ADA, NOON_MS + 1), anEntry({ profileId: BOB, messageId: 'straggler', appendedAtMs: NOON_MS + 2 }));
    await commit(driver);
    const [merged, straggler] = driver.forwarded.filter(({ kind }) => kind === 'merged') as [Entry, Entry];
    for (let time = 0; time < 2; time++) {
      driver.apply(transferOf(merged, NOON_MS + 3), transferOf(straggler, NOON_MS + 4));
      await commit(driver);
    }
    expect(await rowsOf('select message_id, profile_id, shard, sequence, original_profile_id from scoring.history order by message_id')).toEqual([
      { message_id: 'bob', profile_id: ADA, shard: 10, sequence: 7, original_profile_id: BOB },
      { message_id: 'both', profile_id: ADA, shard: 10, sequence: 3, original_profile_id: null },
      { message_id: 'straggler', profile_id: ADA, shard: 10, sequence: 8, original_profile_id: BOB },
    ]);
    expect(await rowsOf('select profile_id from scoring.profiles_public')).toEqual([{ profile_id: ADA }]);
  });

  test('keeps what is older than its months in the default partition, and makes months once', async () => {
    const driver = aDriver();
    driver.apply(anEntry({ timestampMs: 0 }), anEntry({ timestampMs: -1, messageId: 'before 1970' }), anEntry({ timestampMs: Date.now(), appendedAtMs: Date.now() }));
    await commit(driver);
    expect(await rowsOf('select count(*)::int as count from scoring.events_default')).toEqual([{ count: 2 }]);
    const made = await rowsOf<{ made: number }>(`select scoring.make_months('2031-11-30T23:59Z', '2032-02-01T00:00Z') as made union all select scoring.make_months('2031-11-30T23:59Z', '2032-02-01T00:00Z')`);
    expect(made).toEqual([{ made: 4 }, { made: 0 }]);
    const [bounds] = await rowsOf<{ bounds: string }>(`select pg_get_expr(relpartbound, oid) as bounds from pg_class where relname = 'events_2031_12'`);
    expect(bounds?.bounds).toContain(`('${Date.UTC(2031, 11)}') TO ('${Date.UTC(2032, 0)}')`);
  });
});

/** Scores of all profiles as SQL sees them. */
async function oracle(atMs: number): Promise<Map<string, number>> {
  const rows = await rowsOf<{ profile_id: string; score: number }>('select profile_id, score from scoring.engagement_at($1, $2)', WORKSPACE, atMs);
  return new Map(rows.map(({ profile_id: id, score }) => [id, score]));
}

const PROFILES = 40;
const profileIds = Array.from({ length: PROFILES }, (_, index) => {
  const hex = createHash('sha256').update(String(index)).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
});

interface Plan {
  readonly units: number;
  readonly model: EngagementModel;
  readonly steps: number;
}

/** Random histories of many profiles: facts on a grid, known some time later, in the order of becoming known. */
function anyHistory({ units, steps }: Plan): fc.Arbitrary<readonly Entry[]> {
  const event = fc.record({
    profile: fc.integer({ min: 0, max: PROFILES - 1 }),
    step: fc.integer({ min: 0, max: steps }),
    lateSteps: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: Math.ceil(steps / 4) })),
    what: fc.constantFrom('view', 'view', 'view', 'Email Delivered', 'Email Delivered', 'Email Opened', 'Email Link Clicked', 'Order Completed'),
    emailId: fc.constantFrom('a', 'b', 'c', 1, '1', 1.5, true, '', null, 1e21, { nested: 1 }),
    machine: fc.constantFrom(undefined, undefined, true, false, 'true'),
  });
  return fc.array(event, { minLength: 400, maxLength: 600, size: 'max' }).map((events) =>
    events.map(({ profile, step, lateSteps, what, emailId, machine }, index) => {
      const fields = { profileId: profileIds[profile] as string, timestampMs: NOON_MS + step * units, appendedAtMs: NOON_MS + (step + lateSteps) * units, messageId: `m${index}` };
      return what === 'view' ? aPageView(fields) : anEntry({ ...fields, name: what, body: { properties: { email_id: emailId, ...(machine === undefined ? {} : { machine }) } } });
    }).sort((a, b) => a.appendedAtMs - b.appendedAtMs));
}

/** The fold's scores at each of the instants, from one run over the history. */
async function foldAt(entries: readonly Entry[], instants: readonly number[], model: EngagementModel): Promise<Map<number, Map<string, number>>> {
  const driver = aDriver(model);
  const waiting = [...entries];
  const scores = new Map<number, Map<string, number>>();
  for (const atMs of instants) {
    while (waiting.length > 0 && (waiting[0] as Entry).appendedAtMs <= atMs) {
      const entry = waiting.shift() as Entry;
      driver.passTime(entry.appendedAtMs);
      driver.apply(entry);
    }
    driver.passTime(atMs + 1);
    scores.set(atMs, new Map([...driver.states].map(([id, state]) => [id, state.scores.engagement])));
    await commit(driver);
  }
  return scores;
}

async function expectFoldToBeOracle(plan: Plan, instantsOf: (entries: readonly Entry[]) => readonly number[], numRuns: number): Promise<void> {
  const { units: _, steps: __, model } = plan;
  await fc.assert(fc.asyncProperty(anyHistory(plan), async (entries) => {
    await database.pool.query('delete from scoring.events; delete from scoring.profiles; delete from scoring.score_models');
    await database.pool.query('insert into scoring.score_models values ($1, $2, 2, $3)', [WORKSPACE, 'engagement', model]);
    const instants = [...new Set(instantsOf(entries))].sort((a, b) => a - b);
    const folded = await foldAt(entries, instants, model);
    for (const atMs of instants) expect({ atMs, scores: sorted(folded.get(atMs) ?? new Map()) }).toEqual({ atMs, scores: sorted(await oracle(atMs)) });
  }), { numRuns });
}

function sorted(scores: ReadonlyMap<string, number>): readonly (readonly [string, number])[] {
  return [...scores].sort(([a], [b]) => (a < b ? -1 : 1));
}

describe('the score of the stage is the score that SQL reckons from the history', () => {
  test('at every millisecond, with windows of some milliseconds', async () => {
    const model = { ...standardEngagement, version: 2, openWeight: 5, clickWeight: 3, visitWeight: 2, mailWindowMs: 30, visitWindowMs: 20, sessionGapMs: 4, sessionsMax: 3 };
    await expectFoldToBeOracle({ units: 1, steps: 60, model }, () => Array.from({ length: 110 }, (_, index) => NOON_MS + index), 3);
  }, 60_000);

  test('at every flip, a millisecond before and after it, with the windows of the standard model', async () => {
    const flipsOf = (entries: readonly Entry[]): readonly number[] => {
      const driver = aDriver();
      for (const entry of entries) {
        driver.passTime(entry.appendedAtMs);
        driver.apply(entry);
      }
      driver.passTime(NOON_MS + 90 * DAY_MS);
      const flips = driver.forwarded.filter(({ kind }) => kind === 'score').map(({ appendedAtMs }) => appendedAtMs);
      return flips.filter((_, index) => index % 5 === 0).flatMap((atMs) => [atMs - 1, atMs, atMs + 1]);
    };
    await expectFoldToBeOracle({ units: 10 * MINUTE_MS, steps: 6 * 24 * 40, model: standardEngagement }, flipsOf, 2);
  }, 120_000);
});
