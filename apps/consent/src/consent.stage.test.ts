import type { Entry } from '@tributary/contracts/entry';
import type { Decision } from '@tributary/stream/stage';
import { ConsentLedger } from './consent-ledger.postgres.js';
import { ConsentStage } from './consent.stage.js';
import { aDecision, anEvent, aProfile, NOON_MS } from './testing/an-entry.js';
import { type ConsentDatabase, createConsentDatabase } from './testing/consent-database.js';

let database: ConsentDatabase;
let ledger: ConsentLedger;
let stage: ConsentStage;
let people = 100;
let queries = 0;

// Real servers, on a machine that may be busy.
jest.setTimeout(60_000);

beforeAll(async () => {
  database = await createConsentDatabase();
  ledger = new ConsentLedger(database.pool);
  stage = new ConsentStage({ load: (keys) => ((queries += 1), ledger.load(keys)) });
});
afterAll(() => database.drop());
beforeEach(() => {
  people += 10;
});

/** A profile that no other test knows. */
const me = (): string => aProfile(people);
const other = (): string => aProfile(people + 1);

/** Decides and commits, as the library does. */
async function run(...entries: Entry[]): Promise<Decision> {
  const decision = await stage.decide(entries);
  if (decision.writes!.length > 0) await database.commit(decision.writes!);
  return decision;
}

const endings = ({ endings: all }: Decision): string[] => all.map((ending) => (ending.ending === 'forward' ? 'forward' : `${ending.ending} ${ending.reason}`));
const history = (profileId: string) => ledger.history({ workspace: 'ws_a', profileId }, { limit: 100, before: null });

describe('the consent stage', () => {
  test('forwards an event with its purposes and its body as the same bytes', async () => {
    const event = anEvent({ profileId: me() });
    const { endings: [ending], writes, records } = await run(event);
    if (ending?.ending !== 'forward') throw new Error('not forwarded');
    expect(ending.entries).toEqual([{ ...event, purposes: ['behavioural_tracking', 'profiling'] }]);
    expect(ending.entries[0]!.body).toBe(event.body);
    expect([writes, records]).toEqual([[], []]);
  });

  test('tells a decision to the public topic, with the version of its form, its workspace and its trace', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const { records } = await run(aDecision('withdrawn', { profileId: me() }), aDecision('granted', { profileId: me(), traceparent }));
    expect(records!.map(({ topic, headers }) => [topic, headers])).toEqual([
      ['consents.changed', { 'schema-version': '1', workspace: 'ws_a' }],
      ['consents.changed', { 'schema-version': '1', workspace: 'ws_a', traceparent }],
    ]);
  });

  test('a withdrawal in one batch stops every event in the next, and a grant lets them through again', async () => {
    expect(endings(await run(anEvent({ profileId: me() }), aDecision('withdrawn', { profileId: me() }), anEvent({ profileId: me() })))).toEqual(['forward', 'forward', 'drop no_consent']);
    expect(endings(await run(anEvent({ profileId: me() })))).toEqual(['drop no_consent']);
    expect(endings(await run(aDecision('granted', { profileId: me(), timestampMs: NOON_MS + 1, appendedAtMs: NOON_MS + 1 })))).toEqual(['forward']);
    expect(endings(await run(anEvent({ profileId: me() })))).toEqual(['forward']);
  });

  test('a withdrawal committed elsewhere counts for the batch after, whoever committed it', async () => {
    await run(anEvent({ profileId: me() }));
    await new ConsentLedger(database.pool).record({
      workspace: 'ws_a', profileId: me(), receipt: '11111111-1111-4111-8111-111111111111', previous: null, messageId: 'consent:11111111-1111-4111-8111-111111111111',
      purpose: 'behavioural_tracking', decision: 'withdrawn', occurredAtMs: NOON_MS, source: 'api', textVersion: '1', jurisdiction: null, proof: null,
    });
    expect(endings(await run(anEvent({ profileId: me() })))).toEqual(['drop no_consent']);
  });

  test('a changed policy counts for the batch after', async () => {
    const event = () => anEvent({ workspace: 'ws_strict', profileId: me() });
    expect(endings(await run(event()))).toEqual(['forward']);
    await database.pool.query("insert into consent.purposes values ('ws_strict', 'behavioural_tracking', 'opt-in')");
    expect(endings(await run(event()))).toEqual(['drop no_consent']);
  });

  test('writes decisions into the ledger and tells of them, the same when a batch is repeated', async () => {
    const decision = aDecision('withdrawn', { profileId: me() }, { source: 'banner', textVersion: '7', proof: { page: '/' } });
    const first = await run(decision);
    const again = await run(decision);
    expect(again.records).toEqual(first.records);
    expect(JSON.parse(String(first.records![0]!.value))).toEqual({
      workspace: 'ws_a', profileId: me(), receipt: expect.any(String), purpose: 'behavioural_tracking', decision: 'withdrawn',
      occurredAt: '2026-03-01T12:00:00.000Z', knownAt: '2026-03-01T12:00:00.000Z', source: 'banner', textVersion: '7',
    });
    expect(await history(me())).toEqual([expect.objectContaining({ decision: 'withdrawn', source: 'banner', textVersion: '7', proof: { page: '/' }, occurredMs: NOON_MS })]);
  });

  test('a decision recorded over HTTP before is not recorded again when the stream brings it', async () => {
    const receipt = '22222222-2222-4222-8222-222222222222';
    await ledger.record({
      workspace: 'ws_a', profileId: me(), receipt, previous: null, messageId: `consent:${receipt}`, purpose: 'email_marketing', decision: 'granted',
      occurredAtMs: NOON_MS, source: 'api', textVersion: '1', jurisdiction: null, proof: { kept: true },
    });
    const { records } = await run(aDecision('granted', { profileId: me(), messageId: `consent:${receipt}` }, { purpose: 'email_marketing', occurredAt: NOON_MS }));
    expect(JSON.parse(String(records![0]!.value))).toMatchObject({ receipt });
    expect(await history(me())).toEqual([expect.objectContaining({ id: receipt, proof: { kept: true } })]);
  });

  test('the survivor of a merge is held by the loser’s withdrawal at once and for good', async () => {
    await run(aDecision('withdrawn', { profileId: other() }));
    const merging = anEvent({ kind: 'merging', type: '', name: '', profileId: me(), other: other(), appendedAtMs: NOON_MS + 10 });
    expect(endings(await run(anEvent({ profileId: me() }), merging, anEvent({ profileId: me() })))).toEqual(['forward', 'forward', 'drop no_consent']);
    expect(endings(await run(anEvent({ profileId: me() })))).toEqual(['drop no_consent']);
    // Made before the merge, so it does not speak for the loser.
    expect(endings(await run(aDecision('granted', { profileId: me(), appendedAtMs: NOON_MS + 20 }, { occurredAt: NOON_MS + 5 }), anEvent({ profileId: me() })))).toEqual(['forward', 'drop no_consent']);
    expect(endings(await run(aDecision('granted', { profileId: me(), appendedAtMs: NOON_MS + 20 }, { occurredAt: NOON_MS + 15 }), anEvent({ profileId: me() })))).toEqual(['forward', 'forward']);
  });

  test('events of the loser still on their way are held by a withdrawal of the survivor', async () => {
    await run(anEvent({ kind: 'merged', type: '', name: '', profileId: other(), other: me() }));
    await run(aDecision('withdrawn', { profileId: me() }));
    expect(endings(await run(anEvent({ profileId: other() })))).toEqual(['drop no_consent']);
  });

  test('a decision made under a loser’s id counts at once for all who have become one', async () => {
    const [low, middle, high, side] = [0, 1, 2, 3].map((index) => aProfile(people + index)) as [string, string, string, string];
    const merged = (profileId: string, survivor: string) => anEvent({ kind: 'merged', type: '', name: '', profileId, other: survivor });
    await run(merged(low, middle), merged(side, high), merged(middle, high));
    const entries = [aDecision('withdrawn', { profileId: low }), ...[high, side, low].map((profileId) => anEvent({ profileId }))];
    expect(endings(await run(...entries))).toEqual(['forward', 'drop no_consent', 'drop no_consent', 'drop no_consent']);
    expect(endings(await run(anEvent({ profileId: middle }), anEvent({ profileId: side })))).toEqual(['drop no_consent', 'drop no_consent']);
  });

  test('entries that are no events pass as they are', async () => {
    const entries = (['transfer', 'score'] as const).map((kind) => anEvent({ kind, type: '', name: '', profileId: me() }));
    const { endings: all } = await run(...entries);
    expect(all).toEqual(entries.map((entry) => ({ ending: 'forward', entries: [entry] })));
  });

  test('asks once a batch, however many people are in it', async () => {
    queries = 0;
    await run(...Array.from({ length: 300 }, (_, index) => anEvent({ profileId: aProfile(10_000 + index) })));
    expect(queries).toBe(1);
  });
});

describe('malformed, late, duplicate and out-of-order input', () => {
  test.each([[{}], [{ properties: {} }], [{ properties: { purpose: 'profiling', decision: 'perhaps' } }], [{ properties: 'granted' }], [null]])('a decision %j is parked and stops nobody', async (body) => {
    const broken = anEvent({ profileId: me(), name: 'Consent Updated', body });
    expect(endings(await run(broken, anEvent({ profileId: me() })))).toEqual(['park malformed_consent', 'forward']);
    expect(await history(me())).toEqual([]);
  });

  test('late and out of order: what was decided last stands, whenever it arrives', async () => {
    const decided = (decision: 'granted' | 'withdrawn', at: number) => aDecision(decision, { profileId: me() }, { occurredAt: at });
    await run(decided('granted', NOON_MS - 100));
    await run(decided('withdrawn', NOON_MS - 200));
    expect(endings(await run(anEvent({ profileId: me() })))).toEqual(['forward']);
    await run(decided('withdrawn', NOON_MS - 50), decided('granted', NOON_MS - 60));
    expect(endings(await run(anEvent({ profileId: me() })))).toEqual(['drop no_consent']);
    expect((await history(me())).map(({ occurredMs }) => NOON_MS - occurredMs).sort((left, right) => left - right)).toEqual([50, 60, 100, 200]);
  });

  test('a duplicate inside a batch is one entry of the ledger', async () => {
    const decision = aDecision('withdrawn', { profileId: me() });
    await run(decision, decision);
    expect(await history(me())).toHaveLength(1);
  });

  test('decided one by one in one transaction, as after a failure, nothing collides', async () => {
    const entries = [aDecision('withdrawn', { profileId: me() }), aDecision('granted', { profileId: me() }), anEvent({ kind: 'merged', profileId: me(), other: other() }), anEvent({ kind: 'merging', profileId: other(), other: me() })];
    const decisions = [];
    for (const entry of entries) decisions.push(await stage.decide([entry]));
    await database.commit(decisions.flatMap(({ writes }) => writes!));
    expect(await history(me())).toHaveLength(2);
  });
});
