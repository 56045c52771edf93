import { migrate } from '@tributary/postgres/migrate';
import { createPool, type Pool } from '@tributary/postgres/pool';
import { joinWrites } from '@tributary/postgres/write';
import { inletRecord } from '@tributary/service/inlet-writer';
import { hashKey } from '@tributary/service/secrets';
import { transferRecord } from '@tributary/service/transfer-record';
import type { Decision, Ending, LogRecord, OutRecord } from '@tributary/stream/stage';
import { createTestDatabase, type TestDatabase } from '@tributary/testing/test-database';
import { IdentityStore } from './identity-store.postgres.js';
import { IngestionStage } from './ingestion.stage.js';
import { SeenKeeper } from './keep-seen.postgres.js';
import { RecordReader } from './read-record.js';
import { ingestionSchema } from './schema.js';
import { SenderDirectory } from './sender-directory.js';
import { createWorkspace } from './sources/create-workspace.js';
import { SourceStore } from './sources/source-store.postgres.js';

const SECRET = 'a secret of more than thirty-two characters';
const T0 = Date.parse('2026-01-01T00:00:00Z');

let database: TestDatabase;
let pool: Pool;
/** A fresh workspace for each test: nobody meets. */
let workspace: string;
let writeKey: string;
let offset = 0;

beforeAll(async () => {
  database = await createTestDatabase({ template: { name: 'ingestion', prepare: (url) => migrate(url, [ingestionSchema], () => undefined) } });
  pool = createPool({ url: database.url, role: 'tributary_ingestion', name: 'ingestion test', max: 6 });
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

beforeEach(async () => {
  ({ workspace, writeKey } = await createWorkspace(new SourceStore(pool), { name: 'Test', timezone: 'UTC' }));
});

function aStage(): IngestionStage {
  return new IngestionStage(new RecordReader({ secret: SECRET, trustSourceId: true }), new SenderDirectory(pool), new IdentityStore(pool));
}

function aRecord(event: object | string, fields: Partial<LogRecord> = {}): LogRecord {
  offset++;
  const value = Buffer.from(typeof event === 'string' ? event : JSON.stringify(event));
  return { topic: 'inbound.events', partition: 0, offset, timestampMs: T0 + offset, key: null, value, headers: { 'write-key': writeKey }, ...fields };
}

function aTrack(fields: object = {}): object {
  return { type: 'track', event: 'Signed Up', userId: 'u', messageId: `m-${offset + 1}`, ...fields };
}

function fromOut({ key, value, headers = {} }: OutRecord): LogRecord {
  return aRecord('', { key, value, headers });
}

/** As the library does it: one statement, then the caches follow. */
async function commit(decision: Decision): Promise<void> {
  await pool.query(joinWrites(decision.writes ?? []));
  decision.afterCommit?.();
}

async function ingest(stage: IngestionStage, records: readonly LogRecord[]): Promise<readonly Ending[]> {
  const decision = await stage.decide(records);
  await commit(decision);
  return decision.endings;
}

/** `forward event`, `forward merged merging event`, `drop reason`, `park reason`. */
function told(endings: readonly Ending[]): string[] {
  return endings.map((ending) => `${ending.ending} ${ending.ending === 'forward' ? ending.entries.map(({ kind }) => kind).join(' ') : ending.reason}`);
}

function lastProfile(endings: readonly Ending[]): string {
  const ending = endings.at(-1) as Ending;
  return ending.ending === 'forward' ? (ending.entries.at(-1)?.profileId as string) : ending.reason;
}

async function meant(type: string, value: string): Promise<string | null> {
  const { rows } = await pool.query('select profile_id from ingestion.profile_identifiers where workspace = $1 and type = $2 and value = $3', [workspace, type, value]);
  return rows[0]?.profile_id ?? null;
}

describe('an accepted event', () => {
  test('goes on with its bytes untouched under a header that says what stages need', async () => {
    const record = aRecord('{ "type":"track","event":"Signed Up", "userId":"u","messageId":"m","timestamp":"2025-12-31T23:00:00Z" }', {
      headers: { 'write-key': writeKey, traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' },
    });
    const [ending] = await ingest(aStage(), [record]);
    expect(ending).toEqual({
      ending: 'forward',
      entries: [{
        kind: 'event', workspace, profileId: await meant('userId', 'u'), type: 'track', name: 'Signed Up', messageId: 'm',
        timestampMs: Date.parse('2025-12-31T23:00:00Z'), appendedAtMs: record.timestampMs, source: 0, offset: record.offset,
        traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', body: record.value,
      }],
    });
  });

  test('makes a profile whose id any replay would make again, of version 8', async () => {
    const record = aRecord(aTrack());
    const profileId = lastProfile((await aStage().decide([record])).endings);
    expect(lastProfile((await aStage().decide([record])).endings)).toBe(profileId);
    expect(profileId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test('is at most as late as its append time', async () => {
    const record = aRecord(aTrack({ timestamp: '2099-01-01T00:00:00Z' }));
    const [ending] = await ingest(aStage(), [record]);
    expect(ending).toMatchObject({ entries: [{ timestampMs: record.timestampMs, appendedAtMs: record.timestampMs }] });
  });

  test('of a page is named page', async () => {
    expect(await ingest(aStage(), [aRecord({ type: 'page', name: 'Home', anonymousId: 'a' })])).toMatchObject([{ entries: [{ type: 'page', name: 'page' }] }]);
  });
});

describe('what has been seen', () => {
  test('a message id counts once in a workspace, within a batch and between batches, also for another instance', async () => {
    const stage = aStage();
    const event = aTrack({ messageId: 'once' });
    expect(told(await ingest(stage, [aRecord(event), aRecord(event)]))).toEqual(['forward event', 'drop duplicate_message']);
    expect(told(await ingest(stage, [aRecord(event)]))).toEqual(['drop duplicate_message']);
    expect(told(await ingest(aStage(), [aRecord(event)]))).toEqual(['drop duplicate_message']);
  });

  test('the same message id in another workspace is another event', async () => {
    const other = await createWorkspace(new SourceStore(pool), { name: 'Other', timezone: 'UTC' });
    const event = aTrack({ messageId: 'same' });
    expect(told(await ingest(aStage(), [aRecord(event), aRecord(event, { headers: { 'write-key': other.writeKey } })]))).toEqual(['forward event', 'forward event']);
  });

  test('an order that two systems report counts once, its number as text; its refund is another fact', async () => {
    const order = (fields: object) => aRecord(aTrack({ event: 'Order Completed', properties: { order_id: '17' }, ...fields }));
    const stage = aStage();
    expect(told(await ingest(stage, [order({ messageId: 'shop' }), order({ messageId: 'erp', properties: { order_id: 17 } }), order({ messageId: 'refund', event: 'Order Refunded' })]))).toEqual([
      'forward event', 'drop duplicate_fact', 'forward event',
    ]);
    expect(told(await ingest(aStage(), [order({ messageId: 'crm' }), order({ messageId: 'erp', properties: { order_id: 'another' } })]))).toEqual(['drop duplicate_fact', 'drop duplicate_message']);
  });

  test('a record without a message id is itself wherever it is read again', async () => {
    const record = aRecord({ type: 'track', event: 'x', userId: 'u' });
    expect(await ingest(aStage(), [record])).toMatchObject([{ entries: [{ messageId: `inbound.events:0:${record.offset}` }] }]);
    expect(told(await ingest(aStage(), [record]))).toEqual(['drop duplicate_message']);
  });

  test('a parked event can be repaired and sent again under its message id', async () => {
    expect(told(await ingest(aStage(), [aRecord(aTrack({ messageId: 'r', timestamp: 'soon' }))]))).toEqual(['park malformed_timestamp']);
    expect(told(await ingest(aStage(), [aRecord(aTrack({ messageId: 'r' }))]))).toEqual(['forward event']);
  });

  test('a batch that did not commit has seen nothing', async () => {
    const stage = aStage();
    const record = aRecord(aTrack());
    await stage.decide([record]);
    expect(told(await ingest(stage, [record]))).toEqual(['forward event']);
  });

  test('two instances with the same event at once: one commits, the other fails as a serialization failure and then drops it', async () => {
    const [one, other] = [aStage(), aStage()];
    const event = aTrack({ messageId: 'raced', userId: undefined, anonymousId: 'known' });
    await ingest(one, [aRecord(aTrack({ userId: undefined, anonymousId: 'known' }))]);
    const [first, second] = [await one.decide([aRecord(event)]), await other.decide([aRecord(event)])];
    await commit(first);
    await expect(commit(second)).rejects.toMatchObject({ code: '40001' });
    other.reset();
    expect(told(await ingest(other, [aRecord(event)]))).toEqual(['drop duplicate_message']);
  });

  test('is remembered over the boundary of two periods, and old periods go', async () => {
    const stage = aStage();
    await ingest(stage, [aRecord(aTrack({ messageId: 'old' }))]);
    await pool.query(`update ingestion.seen_periods set starts_at = starts_at - interval '10 days', ends_at = ends_at - interval '10 days'`);
    await new SeenKeeper(pool, 30).keep();
    expect(told(await ingest(stage, [aRecord(aTrack({ messageId: 'old' })), aRecord(aTrack({ messageId: 'new' }))]))).toEqual(['drop duplicate_message', 'forward event']);
    await pool.query(`update ingestion.seen_periods set starts_at = starts_at - interval '50 days', ends_at = ends_at - interval '50 days'`);
    await new SeenKeeper(pool, 30).keep();
    expect(told(await ingest(stage, [aRecord(aTrack({ messageId: 'old' }))]))).toEqual(['forward event']);
    const { rows } = await pool.query(`select count(*) from pg_inherits where inhparent = 'ingestion.seen'::regclass`);
    expect(rows).toEqual([{ count: 2 }]);
  });

  test('within a minute of a boundary two instances meet all the same', async () => {
    await pool.query(`update ingestion.seen_periods p set ends_at = now() + interval '20 seconds' where now() between starts_at and ends_at`);
    await pool.query(`update ingestion.seen_periods p set starts_at = now() + interval '20 seconds' where starts_at > now()`);
    const [one, other] = [aStage(), aStage()];
    const event = aTrack({ messageId: 'boundary' });
    const [first, second] = [await one.decide([aRecord(event)]), await other.decide([aRecord(event)])];
    await commit(first);
    // As if the boundary had passed between the two.
    await pool.query(`update ingestion.seen_periods set starts_at = starts_at - interval '30 seconds', ends_at = ends_at - interval '30 seconds'`);
    await expect(commit(second)).rejects.toMatchObject({ code: '40001' });
  });

  test('without a period for this moment nothing is accepted: better none than twice', async () => {
    const client = await pool.connect();
    try {
      await client.query('begin');
      await client.query('delete from ingestion.seen_periods');
      await expect(client.query('select * from ingestion.seen_now()')).rejects.toThrow('no period');
    } finally {
      await client.query('rollback');
      client.release();
    }
  });
});

describe('who it is', () => {
  test('somebody anonymous who says who they are stays the same profile', async () => {
    const stage = aStage();
    const before = lastProfile(await ingest(stage, [aRecord(aTrack({ userId: undefined, anonymousId: 'a' }))]));
    const endings = await ingest(stage, [aRecord(aTrack({ userId: 'u', anonymousId: 'a' }))]);
    expect(told(endings)).toEqual(['forward event']);
    expect(lastProfile(endings)).toBe(before);
    expect(lastProfile(await ingest(aStage(), [aRecord(aTrack({ userId: 'u' }))]))).toBe(before);
  });

  test('an event that ties two profiles merges them: the loser hears first, then the survivor, then the event comes', async () => {
    const stage = aStage();
    const known = lastProfile(await ingest(stage, [aRecord(aTrack({ userId: 'u' }))]));
    const anonymous = lastProfile(await ingest(stage, [aRecord(aTrack({ userId: undefined, anonymousId: 'a' }))]));
    const record = aRecord(aTrack({ userId: 'u', anonymousId: 'a' }));
    const decision = await stage.decide([record]);
    await commit(decision);
    const control = { workspace, type: '', name: '', messageId: `merge:${anonymous}`, timestampMs: record.timestampMs, appendedAtMs: record.timestampMs, source: 0, offset: record.offset, body: Buffer.alloc(0) };
    expect(decision.endings).toEqual([{
      ending: 'forward',
      entries: [
        { ...control, kind: 'merged', profileId: anonymous, other: known },
        { ...control, kind: 'merging', profileId: known, other: anonymous },
        expect.objectContaining({ kind: 'event', profileId: known }),
      ],
    }]);
    expect(decision.records).toHaveLength(1);
    expect(decision.records?.[0]).toMatchObject({ topic: 'profiles.merged', key: Buffer.from(anonymous) });
    expect(JSON.parse(String(decision.records?.[0]?.value))).toEqual({ workspace, loser: anonymous, survivor: known, mergedAt: new Date(record.timestampMs).toISOString() });
    expect(await meant('anonymousId', 'a')).toBe(known);
    const { rows } = await pool.query('select survivor_id from ingestion.profile_survivors where workspace = $1 and profile_id = $2', [workspace, anonymous]);
    expect(rows).toEqual([{ survivor_id: known }]);
  });

  test('a chain of merges ends at its root, in one batch or in several', async () => {
    const tie = (a: string, d: string) => aRecord(aTrack({ userId: undefined, anonymousId: a, context: { device: { id: d } } }));
    for (const cut of [[6], [1, 1, 1, 1, 1, 1], [3, 2, 1]]) {
      const name = `c${cut.length}`;
      const records = [tie(`${name}-1`, `${name}-1`), tie(`${name}-2`, `${name}-2`), tie(`${name}-3`, `${name}-3`), tie(`${name}-3`, `${name}-2`), tie(`${name}-2`, `${name}-1`), tie(`${name}-3`, `${name}-9`)];
      const stage = aStage();
      let endings: readonly Ending[] = [];
      for (const size of cut) endings = await ingest(stage, records.splice(0, size));
      const root = await meant('anonymousId', `${name}-1`);
      expect(lastProfile(endings)).toBe(root);
      for (const [type, n] of [['anonymousId', 2], ['anonymousId', 3], ['deviceId', 1], ['deviceId', 3], ['deviceId', 9]]) expect(await meant(String(type), `${name}-${n}`)).toBe(root);
    }
    const { rows } = await pool.query('select 1 from ingestion.profiles p join ingestion.profiles s on s.profile_id = p.survivor_id where s.survivor_id <> s.profile_id');
    expect(rows).toEqual([]);
  });

  test('an alias of a trusted source makes one person of two users', async () => {
    const stage = aStage();
    const older = lastProfile(await ingest(stage, [aRecord(aTrack({ userId: 'old' }))]));
    await ingest(stage, [aRecord(aTrack({ userId: 'new' }))]);
    const endings = await ingest(stage, [aRecord({ type: 'alias', previousId: 'old', userId: 'new' })]);
    expect(told(endings)).toEqual(['forward merged merging event']);
    expect([lastProfile(endings), await meant('userId', 'new')]).toEqual([older, older]);
  });

  test('a browser cannot take over an e-mail, and what it claimed is noted', async () => {
    const source = { workspace, key: 'browser', kind: 'http', trusted: false, sealedSecret: null, createdMs: 0, writeKeyHash: hashKey('wk_browser') };
    await new SourceStore(pool).add(source);
    const identify = (userId: string | undefined, anonymousId: string) => ({ type: 'identify', userId, anonymousId, traits: { email: 'a@b.example' } });
    const stage = aStage();
    const owner = lastProfile(await ingest(stage, [aRecord(identify('u', 'a'))]));
    const endings = await ingest(stage, [aRecord(identify(undefined, 'b'), { headers: { 'write-key': 'wk_browser' } })]);
    expect(told(endings)).toEqual(['forward event']);
    expect(lastProfile(endings)).not.toBe(owner);
    expect(await meant('email', 'a@b.example')).toBe(owner);
    const { rows } = await pool.query('select type, value, owner, claimant from ingestion.identity_conflicts where workspace = $1', [workspace]);
    expect(rows).toEqual([{ type: 'email', value: 'a@b.example', owner, claimant: lastProfile(endings) }]);
    // The same from a server ties.
    expect(told(await ingest(stage, [aRecord(identify(undefined, 'b'))]))).toEqual(['forward merged merging event']);
  });

  test('what one instance learnt another one finds, and what it cached of a loser goes to somebody', async () => {
    const [one, other] = [aStage(), aStage()];
    const anonymous = aTrack({ userId: undefined, anonymousId: 'a' });
    const loser = lastProfile(await ingest(other, [aRecord(anonymous)]));
    await ingest(one, [aRecord(aTrack({ userId: 'u' }))]);
    const survivor = lastProfile(await ingest(one, [aRecord(aTrack({ userId: 'u', anonymousId: 'a' }))]));
    // Scoring passes on what comes to a loser.
    expect(lastProfile(await ingest(other, [aRecord({ ...anonymous, messageId: 'late' })]))).toBe(loser);
    other.reset();
    expect(lastProfile(await ingest(other, [aRecord({ ...anonymous, messageId: 'later' })]))).toBe(survivor);
  });
});

describe('two instances that write about the same person at once', () => {
  const anonymous = (a: string) => aTrack({ userId: undefined, anonymousId: a });
  const tied = (a: string, d: string) => ({ ...anonymous(a), context: { device: { id: d } } });

  async function race(before: readonly object[], one: object, other: object): Promise<Ending[]> {
    const stages = [aStage(), aStage()] as const;
    for (const event of before) await ingest(stages[0], [aRecord({ ...event, messageId: `before-${offset}` })]);
    const [ofOne, ofOther] = [aRecord({ ...one, messageId: `one-${offset}` }), aRecord({ ...other, messageId: `other-${offset}` })];
    const [first, second] = [await stages[0].decide([ofOne]), await stages[1].decide([ofOther])];
    await commit(first);
    await expect(commit(second)).rejects.toMatchObject({ code: '40001' });
    stages[1].reset();
    return [...first.endings, ...(await ingest(stages[1], [ofOther]))];
  }

  test('both make a profile for the same identifier: the second finds it', async () => {
    const [one, other] = await race([], anonymous('a'), tied('a', 'd'));
    expect(lastProfile([other as Ending])).toBe(lastProfile([one as Ending]));
  });

  test('both give the same new identifier to different profiles: the second merges instead', async () => {
    const endings = await race([anonymous('a'), anonymous('b')], tied('a', 'd'), tied('b', 'd'));
    expect(told(endings)).toEqual(['forward event', 'forward merged merging event']);
  });

  test('both give a userId to the same anonymous profile: the second is another person', async () => {
    const endings = await race([anonymous('a')], { ...anonymous('a'), userId: 'u1' }, { ...anonymous('a'), userId: 'u2' });
    expect(told(endings)).toEqual(['forward event', 'forward event']);
    expect(await meant('userId', 'u1')).not.toBe(await meant('userId', 'u2'));
  });

  test('one merges into a profile that the other merges away: the chain ends at the root', async () => {
    await race([tied('a', 'a'), tied('b', 'b'), tied('c', 'c')], tied('a', 'b'), tied('b', 'c'));
    const root = await meant('anonymousId', 'a');
    expect([await meant('anonymousId', 'b'), await meant('anonymousId', 'c')]).toEqual([root, root]);
    await race([tied('x', 'x'), tied('y', 'y'), tied('z', 'z')], tied('y', 'z'), tied('x', 'y'));
    expect([await meant('anonymousId', 'y'), await meant('anonymousId', 'z')]).toEqual([await meant('anonymousId', 'x'), await meant('anonymousId', 'x')]);
  });

  test('in truth at the same time, where the second waits for the first', async () => {
    const stages = [aStage(), aStage()] as const;
    for (const name of ['a', 'b', 'c']) await ingest(stages[0], [aRecord(tied(name, name))]);
    const decisions = [await stages[0].decide([aRecord(tied('a', 'b'))]), await stages[1].decide([aRecord(tied('b', 'c'))])];
    const outcomes = await Promise.allSettled(decisions.map(commit));
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });
});

describe('what our own services say', () => {
  const message = { type: 'track', event: 'Email Opened', messageId: 'open-1', timestamp: '2025-12-31T00:00:00.000Z' };

  test('goes to the profile that they name, or to its survivor', async () => {
    const stage = aStage();
    const anonymous = lastProfile(await ingest(stage, [aRecord(aTrack({ userId: undefined, anonymousId: 'a' }))]));
    const opened = (messageId: string) => fromOut(inletRecord({ workspace, profileId: anonymous, key: 'k', message: { ...message, messageId } }, SECRET));
    expect(lastProfile(await ingest(stage, [opened('open-1')]))).toBe(anonymous);
    await ingest(stage, [aRecord(aTrack({ userId: 'u' }))]);
    // In the batch of the merge itself, and after it.
    const endings = await ingest(stage, [aRecord(aTrack({ userId: 'u', anonymousId: 'a' })), opened('open-2')]);
    expect(lastProfile(endings)).toBe(await meant('userId', 'u'));
    expect(lastProfile(await ingest(stage, [opened('open-3')]))).toBe(await meant('userId', 'u'));
  });

  test('makes a profile where they name identifiers only', async () => {
    const record = fromOut(inletRecord({ workspace, key: 'k', message: { ...message, context: { traits: { email: 'new@b.example' } } } }, SECRET));
    expect(lastProfile(await ingest(aStage(), [record]))).toBe(await meant('email', 'new@b.example'));
  });

  test.each([
    ['a profile that there is not', () => fromOut(inletRecord({ workspace, profileId: '00000000-0000-8000-8000-000000000000', key: 'k', message }, SECRET)), 'unknown_profile'],
    ['a profile id that is none', () => fromOut(inletRecord({ workspace, profileId: 'nobody', key: 'k', message }, SECRET)), 'unknown_profile'],
    ['a workspace that there is not', () => fromOut(inletRecord({ workspace: 'ws_none', key: 'k', message: { ...message, userId: 'u' } }, SECRET)), 'unknown_key'],
    ['with another secret', () => fromOut(inletRecord({ workspace, key: 'k', message: { ...message, userId: 'u' } }, 'guessed')), 'forged_signature'],
    ['for another profile than was signed', () => {
      const record = fromOut(inletRecord({ workspace, key: 'k', message: { ...message, userId: 'u' } }, SECRET));
      return { ...record, headers: { ...record.headers, 'profile-id': '00000000-0000-8000-8000-000000000000' } };
    }, 'forged_signature'],
  ])('is set aside: %s', async (_, make, reason) => {
    expect(told(await ingest(aStage(), [make()]))).toEqual([`park ${reason}`]);
  });

  test('a profile of another workspace cannot be named', async () => {
    const theirs = lastProfile(await ingest(aStage(), [aRecord(aTrack())]));
    const other = await createWorkspace(new SourceStore(pool), { name: 'Other', timezone: 'UTC' });
    expect(told(await ingest(aStage(), [fromOut(inletRecord({ workspace: other.workspace, profileId: theirs, key: 'k', message }, SECRET))]))).toEqual(['park unknown_profile']);
  });
});

describe('a transfer', () => {
  test('goes to whoever the survivor is by now, once', async () => {
    const stage = aStage();
    const survivor = lastProfile(await ingest(stage, [aRecord(aTrack({ userId: undefined, anonymousId: 'b' }))]));
    await ingest(stage, [aRecord(aTrack({ userId: 'u' }))]);
    await ingest(stage, [aRecord(aTrack({ userId: 'u', anonymousId: 'b' }))]);
    const record = fromOut(transferRecord({ workspace, survivor, loser: 'l', states: { scoring: 'AAAA' }, stragglers: [] }, 'transfer:l', SECRET));
    const endings = await ingest(stage, [record, { ...record, offset: record.offset + 1 }]);
    expect(told(endings)).toEqual(['forward transfer', 'drop duplicate_message']);
    expect(endings[0]).toMatchObject({ entries: [{ kind: 'transfer', profileId: await meant('userId', 'u'), other: 'l', messageId: 'transfer:l', appendedAtMs: record.timestampMs, body: record.value }] });
  });

  test('that nobody signed is set aside', async () => {
    const record = fromOut(transferRecord({ workspace, survivor: 's', loser: 'l', states: {}, stragglers: [] }, 'transfer:l', 'guessed'));
    const { 'internal-signature': _, ...unsigned } = record.headers;
    expect(told(await ingest(aStage(), [record, { ...record, headers: { ...unsigned, 'write-key': writeKey } }]))).toEqual(['park forged_signature', 'park forged_signature']);
  });
});

describe('the inlet as it comes', () => {
  test('bad records are set aside one by one, and the rest goes on in order', async () => {
    const endings = await ingest(aStage(), [
      aRecord('{"type":'), aRecord(aTrack({ userId: 'u1' })), aRecord(aTrack(), { headers: {} }), aRecord(aTrack(), { headers: { 'write-key': 'wk_guessed' } }), aRecord('', { value: null }),
      aRecord(aTrack({ userId: 'u2' })), aRecord('', { value: null, headers: { control: 'tick' } }),
    ]);
    expect(told(endings)).toEqual(['park malformed_json', 'forward event', 'park no_key', 'park unknown_key', 'park empty', 'forward event', 'drop tick']);
  });

  test('an admin key opens nothing here', async () => {
    const { adminKey } = await createWorkspace(new SourceStore(pool), { name: 'Admin', timezone: 'UTC' });
    expect(told(await ingest(aStage(), [aRecord(aTrack(), { headers: { 'write-key': adminKey } })]))).toEqual(['park unknown_key']);
  });

  test('a source named by an authenticated publisher is that source', async () => {
    await new SourceStore(pool).add({ workspace, key: 'erp', kind: 'kafka', trusted: true, sealedSecret: null, createdMs: 0, writeKeyHash: hashKey(`wk_${workspace}`) });
    const from = (id: string) => aRecord(aTrack({ messageId: id }), { headers: { 'source-id': id } });
    expect(told(await ingest(aStage(), [from(`${workspace}/erp`), from(`${workspace}/crm`), from(`ws_other/erp`), from('erp'), from('\0/erp')]))).toEqual([
      'forward event', ...Array.from({ length: 4 }, () => 'park unknown_key'),
    ]);
  });

  test('everything that is let in can be stored as jsonb', async () => {
    const stage = aStage();
    const bodies = ['1e308', '-1.5E-300', '"\\ud83d\\ude00"', '"\\\\u0000"', '12345678901234567890.123', '"3e400000"', '{"__proto__":{"a":1}}', '[[[[1]]]]'];
    const refused = ['1e309', '1e-400000', '"\\u0000"', '"\\ud83d"', '"\\ude00\\ud83d"', `0.${'1'.repeat(20_000)}`];
    const endings = await ingest(stage, [...bodies, ...refused].map((json) => aRecord(`{"type":"track","event":"x","userId":"u","properties":{"a":${json}}}`)));
    expect(told(endings).map((ending) => ending.split(' ')[0])).toEqual([...bodies.map(() => 'forward'), ...refused.map(() => 'park')]);
    for (const ending of endings) if (ending.ending === 'forward') await pool.query('select $1::jsonb', [String(ending.entries[0]?.body)]);
  });
});
