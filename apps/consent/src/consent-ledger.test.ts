import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import pg from 'pg';
import type { ConsentDecision } from '@tributary/domain/consent/decision';
import { Standings } from '@tributary/domain/consent/standings';
import { ConsentLedger, insertEntries, insertMerges, type NewEntry } from './consent-ledger.postgres.js';
import { aProfile } from './testing/an-entry.js';
import { type ConsentDatabase, createConsentDatabase } from './testing/consent-database.js';

const WS = 'ws_a';
let database: ConsentDatabase;
let ledger: ConsentLedger;

// Real servers, on a machine that may be busy.
jest.setTimeout(60_000);

beforeAll(async () => {
  database = await createConsentDatabase();
  ledger = new ConsentLedger(database.pool);
});
afterAll(() => database.drop());
beforeEach(() => asOwner('truncate consent.ledger, consent.decisions, consent.merges, consent.announcements, consent.purposes'));

/** Around the guard, which tests of their own hold. */
async function asOwner(sql: string): Promise<void> {
  await database.pool.query('alter table consent.ledger disable trigger append_only');
  await database.pool.query(sql);
  await database.pool.query('alter table consent.ledger enable trigger append_only');
}

function aNewEntry(over: Partial<NewEntry> = {}): NewEntry {
  const receipt = over.receipt ?? randomUUID();
  return {
    workspace: WS, profileId: aProfile(1), receipt, previous: null, messageId: `consent:${receipt}`, purpose: 'email_marketing', decision: 'granted',
    occurredAtMs: 1_000, source: 'form', textVersion: '1', jurisdiction: null, proof: null, ...over,
  };
}

const view = async (profileId: string): Promise<unknown[]> =>
  (await database.pool.query('select purpose, decision, at_ms from consent.current_decisions where workspace = $1 and profile_id = $2 order by purpose', [WS, profileId])).rows;

const standing = async (profileId: string, purpose = 'email_marketing'): Promise<ConsentDecision | undefined> =>
  new Standings(await ledger.load([{ workspace: WS, profileId }])).standing(WS, profileId, purpose)?.decision;

describe('the ledger', () => {
  test('cannot be changed, thinned out or emptied', async () => {
    await database.commit([insertEntries([aNewEntry()])]);
    for (const sql of ["update consent.ledger set decision = 'granted'", 'delete from consent.ledger', 'truncate consent.ledger', 'truncate consent.ledger cascade']) {
      await expect(database.pool.query(sql)).rejects.toThrow('append-only');
    }
    expect(await ledger.history({ workspace: WS, profileId: aProfile(1) }, { limit: 10, before: null })).toHaveLength(1);
  });

  test('has a message that comes twice once, as it came first', async () => {
    const entry = aNewEntry();
    await database.commit([insertEntries([entry, { ...entry, decision: 'withdrawn' }])]);
    await database.commit([insertEntries([{ ...entry, decision: 'withdrawn' }])]);
    const history = await ledger.history({ workspace: WS, profileId: aProfile(1) }, { limit: 10, before: null });
    expect(history.map(({ id, decision }) => [id, decision])).toEqual([[entry.receipt, 'granted']]);
    expect(await standing(aProfile(1))).toBe('granted');
  });

  test('takes several decisions of one person in one statement, also from several writes', async () => {
    await database.commit([
      insertEntries([aNewEntry({ occurredAtMs: 3 }), aNewEntry({ occurredAtMs: 5, decision: 'withdrawn' }), aNewEntry({ occurredAtMs: 4 })]),
      insertEntries([aNewEntry({ occurredAtMs: 6 }), aNewEntry({ occurredAtMs: 2 })]),
    ]);
    expect(await view(aProfile(1))).toEqual([{ purpose: 'email_marketing', decision: 'granted', at_ms: 6 }]);
  });

  test('keeps everything about how a decision was made', async () => {
    const entry = aNewEntry({ jurisdiction: 'GDPR', proof: { page: '/signup', checked: [true, null] }, previous: randomUUID() });
    await database.commit([insertEntries([entry])]);
    expect(await ledger.find(WS, entry.receipt)).toMatchObject({
      id: entry.receipt, profileId: entry.profileId, purpose: entry.purpose, decision: 'granted', occurredMs: 1_000, source: 'form', textVersion: '1',
      jurisdiction: 'GDPR', proof: entry.proof, previous: entry.previous,
    });
    expect(await ledger.find('ws_b', entry.receipt)).toBeUndefined();
  });

  test('is read newest first, page by page', async () => {
    for (let at = 1; at <= 5; at += 1) await database.commit([insertEntries([aNewEntry({ occurredAtMs: at })])]);
    const first = await ledger.history({ workspace: WS, profileId: aProfile(1) }, { limit: 2, before: null });
    const second = await ledger.history({ workspace: WS, profileId: aProfile(1) }, { limit: 9, before: first[1]!.sequence });
    expect([...first, ...second].map(({ occurredMs }) => occurredMs)).toEqual([5, 4, 3, 2, 1]);
  });
});

describe('what stands', () => {
  test.each([[[1, 2]], [[2, 1]]])('is the decision made last, in whichever order they came (%j)', async (order) => {
    for (const at of order) await database.commit([insertEntries([aNewEntry({ occurredAtMs: at, decision: at === 2 ? 'withdrawn' : 'granted' })])]);
    expect(await standing(aProfile(1))).toBe('withdrawn');
  });

  test.each([['granted', 'withdrawn'], ['withdrawn', 'granted']] as const)('is of two made at one instant the withdrawal (%s, then %s)', async (...order) => {
    for (const decision of order) await database.commit([insertEntries([aNewEntry({ decision })])]);
    expect(await standing(aProfile(1))).toBe('withdrawn');
  });

  test('is for nobody else: not another profile, another purpose, another workspace', async () => {
    await database.commit([insertEntries([aNewEntry({ decision: 'withdrawn' })])]);
    expect(await standing(aProfile(2))).toBeUndefined();
    expect(await standing(aProfile(1), 'profiling')).toBeUndefined();
    expect((await ledger.load([{ workspace: 'ws_b', profileId: aProfile(1) }])).decisions).toEqual([]);
  });

  test('reaches over merges in both directions, and through several', async () => {
    await database.commit([insertEntries([aNewEntry({ profileId: aProfile(1), decision: 'withdrawn' })])]);
    await database.commit([insertMerges([
      { workspace: WS, loser: aProfile(1), survivor: aProfile(2), mergedMs: 5_000 },
      { workspace: WS, loser: aProfile(2), survivor: aProfile(3), mergedMs: 6_000 },
      { workspace: WS, loser: aProfile(4), survivor: aProfile(3), mergedMs: 7_000 },
    ])]);
    for (const number of [1, 2, 3, 4]) expect([number, await standing(aProfile(number)), await view(aProfile(number))]).toEqual([number, 'withdrawn', [{ purpose: 'email_marketing', decision: 'withdrawn', at_ms: 1_000 }]]);
    expect(await standing(aProfile(5))).toBeUndefined();
  });

  test('a merge told twice counts as it was told first', async () => {
    const merge = { workspace: WS, loser: aProfile(1), survivor: aProfile(2), mergedMs: 5_000 };
    await database.commit([insertMerges([merge, { ...merge, mergedMs: 9_000 }]), insertMerges([merge])]);
    expect((await ledger.load([{ workspace: WS, profileId: aProfile(1) }])).merges).toEqual([merge]);
  });

  test('is the same in the view as in the domain, for any decisions and merges', async () => {
    const decision = fc.record({ profile: fc.integer({ min: 0, max: 4 }), decision: fc.constantFrom<ConsentDecision>('granted', 'withdrawn'), at: fc.integer({ min: 0, max: 12 }) });
    const merges = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 12 })), { minLength: 4, maxLength: 4 });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(decision, { maxLength: 10 }), merges, async (decisions, targets) => {
        run += 10;
        const id = (number: number): string => aProfile(1_000 * run + number);
        await database.commit([
          insertEntries(decisions.map(({ profile, decision: said, at }) => aNewEntry({ profileId: id(profile), decision: said, occurredAtMs: at }))),
          insertMerges(targets.map(([target, mergedMs], index) => ({ workspace: WS, loser: id(index + 1), survivor: id(target % (index + 1)), mergedMs }))),
        ]);
        const found = new Standings(await ledger.load([{ workspace: WS, profileId: id(3) }])).standing(WS, id(3), 'email_marketing');
        expect(await view(id(3))).toEqual(found === undefined ? [] : [{ purpose: 'email_marketing', decision: found.decision, at_ms: found.atMs }]);
      }),
      { numRuns: 60 },
    );
  });
});

describe('the view of purposes', () => {
  test('has the defaults for every workspace, as changed, and its own', async () => {
    await database.pool.query("insert into ingestion.workspaces_public values ('ws_a', 'A', 'UTC'), ('ws_b', 'B', 'UTC')");
    await database.pool.query("insert into consent.purposes values ('ws_a', 'profiling', 'opt-in'), ('ws_a', 'sms', 'opt-out')");
    const { rows } = await database.pool.query('select workspace, purpose, policy from consent.purposes_public order by 1, 2');
    expect(rows.map(({ workspace, purpose, policy }) => `${workspace} ${purpose} ${policy}`)).toEqual([
      'ws_a behavioural_tracking opt-out', 'ws_a data_sharing opt-in', 'ws_a email_marketing opt-in', 'ws_a profiling opt-in', 'ws_a sms opt-out',
      'ws_b behavioural_tracking opt-out', 'ws_b data_sharing opt-in', 'ws_b email_marketing opt-in', 'ws_b profiling opt-out',
    ]);
  });

  test('can be read by any service, and the tables behind it by none', async () => {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      await client.query('do $$ begin create role consent_test_stranger nologin; exception when duplicate_object then null; end $$');
      await client.query('set role consent_test_stranger');
      await client.query('select * from consent.purposes_public, consent.current_decisions');
      await expect(client.query('select * from consent.ledger')).rejects.toThrow('permission denied');
    } finally {
      await client.end();
    }
  });
});
