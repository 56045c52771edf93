import type { Entry } from '@tributary/contracts/entry';
import type { Decision, Ending } from '@tributary/stream/stage';
import { CleansingStage } from './cleansing.stage.js';
import { QualityCounts } from './quality-counts.postgres.js';
import { Quarantine } from './quarantine.postgres.js';
import { anEvent, anIdentify, NOON_MS } from './testing/an-entry.js';
import { type CleansingDatabase, createCleansingDatabase } from './testing/cleansing-database.js';
import { worldKnowledge } from './world-knowledge.js';

const stage = new CleansingStage(worldKnowledge);
const DAY_MS = 86_400_000;
let database: CleansingDatabase;
let counts: QualityCounts;
let quarantine: Quarantine;

// Real servers, on a machine that may be busy.
jest.setTimeout(60_000);

beforeAll(async () => {
  database = await createCleansingDatabase();
  counts = new QualityCounts(database.pool);
  quarantine = new Quarantine(database.pool);
});
afterAll(() => database.drop());
beforeEach(() => database.pool.query('truncate cleansing.quality_counts, cleansing.quarantine'));

async function run(...entries: Entry[]): Promise<Decision> {
  const decision = await stage.decide(entries);
  if (decision.writes!.length > 0) await database.commit(decision.writes!);
  return decision;
}

/** The one entry with which an ending goes on. */
function forwarded(ending: Ending | undefined): Entry {
  if (ending?.ending !== 'forward' || ending.entries.length !== 1) throw new Error(`not forwarded: ${JSON.stringify(ending)}`);
  return ending.entries[0]!;
}

const all = { reason: null, limit: 100, before: null };

describe('the cleansing stage', () => {
  test('forwards what needs no change as the very entry that came, and writes nothing', async () => {
    const entries = [anEvent(), anEvent({ type: 'page', name: 'page' }), anIdentify({ email: 'ann@a.example' }), anEvent({ kind: 'merged', other: 'x' }), anEvent({ kind: 'transfer', body: 'no JSON' })];
    const { endings, writes } = await run(...entries);
    expect(writes).toEqual([]);
    endings.forEach((ending, index) => expect(forwarded(ending)).toBe(entries[index]));
  });

  test('changes the body of an identify call and nothing of its header', async () => {
    const entry = anIdentify({ email: ' Ann@A.example ', address: { country: 'Deutschland' }, phone: '0151 12345678', plan: ' pro ' });
    const { endings: [ending] } = await run(entry);
    const out = forwarded(ending);
    expect({ ...out, body: JSON.parse(String(out.body)) }).toEqual({
      ...entry, body: { userId: '42', traits: { email: 'ann@a.example', address: { country: 'DE' }, phone: '+4915112345678', plan: ' pro ' } },
    });
  });

  test('parks what can never be right, lists it and counts it', async () => {
    const entry = anEvent({ timestampMs: Date.parse('0001-01-01T00:00:00Z') });
    expect((await run(entry)).endings).toEqual([{ ending: 'park', reason: 'implausible_time' }]);
    expect(await quarantine.list('ws_a', all)).toEqual([{
      messageId: entry.messageId, profileId: entry.profileId, type: 'track', name: 'Product Viewed', reason: 'implausible_time', pointer: '/timestamp',
      timestampMs: Date.parse('0001-01-01T00:00:00Z'), appendedMs: NOON_MS, sequence: expect.any(Number),
    }]);
    expect(await quarantine.count('ws_a')).toEqual({ implausible_time: 1 });
    expect(await counts.list('ws_a', '2026-03-01')).toEqual([{ day: '2026-03-01', reason: 'implausible_time', count: 1 }]);
    expect(await quarantine.list('ws_b', all)).toEqual([]);
  });

  test('counts what was found wrong by workspace, day and reason', async () => {
    const wrong = { email: 'x', phone: 'call me' };
    await run(anIdentify(wrong), anIdentify(wrong), anIdentify(wrong, { workspace: 'ws_b' }), anIdentify({ email: 'x' }, { appendedAtMs: NOON_MS + DAY_MS }));
    expect(await counts.list('ws_a', '2026-03-01')).toEqual([
      { day: '2026-03-01', reason: 'invalid_email', count: 2 }, { day: '2026-03-01', reason: 'invalid_phone', count: 2 }, { day: '2026-03-02', reason: 'invalid_email', count: 1 },
    ]);
    expect(await counts.list('ws_a', '2026-03-02')).toEqual([{ day: '2026-03-02', reason: 'invalid_email', count: 1 }]);
    expect(await counts.list('ws_b', '2026-01-01')).toHaveLength(2);
  });

  test('folds the counts of many batches without changing them', async () => {
    const today = Date.now();
    const since = new Date(today - DAY_MS).toISOString().slice(0, 10);
    for (let batch = 0; batch < 5; batch += 1) await run(anIdentify({ email: 'x', name: 7 }, { appendedAtMs: today }));
    const before = await counts.list('ws_a', since);
    await counts.compact();
    expect(await counts.list('ws_a', since)).toEqual(before);
    expect(before.map(({ count }) => count)).toEqual([5, 5]);
    expect((await database.pool.query('select from cleansing.quality_counts')).rowCount).toBe(2);
  });

  test('forgets what has been in quarantine for longer than its topic keeps it', async () => {
    await run(anEvent({ timestampMs: -1 }), anEvent({ timestampMs: -1 }));
    await database.pool.query("update cleansing.quarantine set quarantined_at = now() - interval '31 days' where sequence = (select min(sequence) from cleansing.quarantine)");
    expect(await quarantine.forgetOld()).toBe(1);
    expect(await quarantine.list('ws_a', all)).toHaveLength(1);
  });
});

describe('malformed, late, duplicate and out-of-order input', () => {
  test.each([['{'], [''], ['null'], ['[]'], ['{"traits":[]}'], ['{"traits":"x"}']])('an identify call %j is parked and stops nobody', async (body) => {
    const { endings } = await run(anEvent({ type: 'identify', name: '', body }), anEvent());
    expect(endings.map(({ ending }) => ending)).toEqual(['park', 'forward']);
    expect(await quarantine.list('ws_a', all)).toHaveLength(1);
  });

  test('late events go on, however late, and those of an unset clock are counted', async () => {
    const { endings } = await run(anEvent({ timestampMs: 0 }), anEvent({ timestampMs: NOON_MS - 3_650 * DAY_MS }));
    expect(endings.map(({ ending }) => ending)).toEqual(['forward', 'forward']);
    expect(await counts.list('ws_a', '2026-03-01')).toEqual([{ day: '2026-03-01', reason: 'doubtful_time', count: 1 }]);
  });

  test('a repeated batch gives the same endings and lists nothing twice', async () => {
    const entries = [anIdentify({ email: ' A@a.example', name: 5 }), anEvent({ timestampMs: -1 })];
    const first = await run(...entries);
    expect((await run(...entries)).endings).toEqual(first.endings);
    expect(await quarantine.list('ws_a', all)).toHaveLength(1);
  });

  test('the order of a batch makes no difference to any of its entries', async () => {
    const entries = [anIdentify({ email: ' A@a.example' }), anEvent({ timestampMs: -1 }), anEvent(), anIdentify(null)];
    const forth = await stage.decide(entries);
    const back = await stage.decide([...entries].reverse());
    expect([...back.endings].reverse()).toEqual(forth.endings);
  });

  test('decided one by one in one transaction, as after a failure, nothing collides', async () => {
    const entries = [anIdentify({ email: 'x' }), anIdentify({ email: 'x' }), anEvent({ timestampMs: -1, messageId: 'same' }), anEvent({ timestampMs: -1, messageId: 'same' })];
    const decisions = [];
    for (const entry of entries) decisions.push(await stage.decide([entry]));
    await database.commit(decisions.flatMap(({ writes }) => writes!));
    expect(await counts.list('ws_a', '2026-03-01')).toEqual([{ day: '2026-03-01', reason: 'implausible_time', count: 2 }, { day: '2026-03-01', reason: 'invalid_email', count: 2 }]);
  });
});
