import { inletRecord } from '@tributary/service/inlet-writer';
import { hashKey } from '@tributary/service/secrets';
import { transferRecord } from '@tributary/service/transfer-record';
import { SeenKeeper } from './keep-seen.postgres.js';
import { SourceStore } from './sources/source-store.postgres.js';
import { aTrack, lastProfile, SECRET, StageHarness, told } from './testing/stage-harness.js';

let h: StageHarness;
let workspace: string;
let writeKey: string;

beforeAll(async () => {
  h = await StageHarness.open();
});

afterAll(() => h.close());

beforeEach(async () => {
  ({ workspace, writeKey } = await h.renew());
});

describe('an accepted event', () => {
  test('goes on with its bytes untouched under a header that says what stages need', async () => {
    const record = h.aRecord('{ "type":"track","event":"Signed Up", "userId":"u","messageId":"m","timestamp":"2025-12-31T23:00:00Z" }', {
      headers: { 'write-key': writeKey, traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' },
    });
    const [ending] = await h.ingest(h.aStage(), [record]);
    expect(ending).toEqual({
      ending: 'forward',
      entries: [{
        kind: 'event', workspace, profileId: await h.meant('userId', 'u'), type: 'track', name: 'Signed Up', messageId: 'm',
        timestampMs: Date.parse('2025-12-31T23:00:00Z'), appendedAtMs: record.timestampMs, source: 0, offset: record.offset,
        traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', body: record.value,
      }],
    });
  });

  test('makes a profile whose id any replay would make again, of version 8', async () => {
    const record = h.aRecord(aTrack());
    const profileId = lastProfile((await h.aStage().decide([record])).endings);
    expect(lastProfile((await h.aStage().decide([record])).endings)).toBe(profileId);
    expect(profileId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test('is at most as late as its append time', async () => {
    const record = h.aRecord(aTrack({ timestamp: '2099-01-01T00:00:00Z' }));
    const [ending] = await h.ingest(h.aStage(), [record]);
    expect(ending).toMatchObject({ entries: [{ timestampMs: record.timestampMs, appendedAtMs: record.timestampMs }] });
  });

  test('that ties many profiles at once merges all of them, each announced to both', async () => {
    const stage = h.aStage();
    const cards = Array.from({ length: 20 }, (_, index) => ({ type: `card${index}`, id: 'x' }));
    for (const card of cards) await h.ingest(stage, [h.aRecord(aTrack({ userId: undefined, context: { externalIds: [card] } }))]);
    const [ending] = await h.ingest(stage, [h.aRecord(aTrack({ userId: 'owner', context: { externalIds: cards } }))]);
    expect(told([ending!])).toEqual([`forward ${'merged merging '.repeat(19)}event`]);
    expect(new Set(await Promise.all(cards.map(({ type, id }) => h.meant(type, id)))).size).toBe(1);
  });

  test('says who speaks where the consent gate must know, and only there', async () => {
    const sources = new SourceStore(h.pool);
    await sources.add({ workspace, key: 'browser', kind: 'http', trusted: false, createdMs: 0, sealedSecret: null, writeKeyHash: hashKey('wk_browser') });
    const consent = aTrack({ event: 'Consent Updated' });
    const list = { type: 'track', event: 'List Membership Changed', timestamp: '2026-01-01T00:00:00.000Z', messageId: 'list:1' };
    const stage = h.aStage();
    const browser = { headers: { 'write-key': 'wk_browser' } };
    const endings = [...await h.ingest(stage, [
      h.aRecord(consent), h.aRecord(aTrack({ event: 'Consent Updated' }), browser), h.aRecord(aTrack(), browser), h.aRecord({ ...list, messageId: 'list:2', userId: 'u' }),
    ])];
    const profileId = lastProfile(endings);
    endings.push(...(await h.ingest(stage, [h.fromOut(inletRecord({ workspace, profileId, key: 'k', message: list }, SECRET))])));
    expect(endings.map((ending) => (ending.ending === 'forward' ? ending.entries[0]?.speaker : ending.reason))).toEqual([undefined, 'untrusted', undefined, undefined, 'service']);
  });

  test('of a page is named page', async () => {
    expect(await h.ingest(h.aStage(), [h.aRecord({ type: 'page', name: 'Home', anonymousId: 'a' })])).toMatchObject([{ entries: [{ type: 'page', name: 'page' }] }]);
  });
});

describe('what has been seen', () => {
  test('a message id counts once in a workspace, within a batch and between batches, also for another instance', async () => {
    const stage = h.aStage();
    const event = aTrack({ messageId: 'once' });
    expect(told(await h.ingest(stage, [h.aRecord(event), h.aRecord(event)]))).toEqual(['forward event', 'drop duplicate_message']);
    expect(told(await h.ingest(stage, [h.aRecord(event)]))).toEqual(['drop duplicate_message']);
    expect(told(await h.ingest(h.aStage(), [h.aRecord(event)]))).toEqual(['drop duplicate_message']);
  });

  test('the same message id in another workspace is another event', async () => {
    const other = await h.addWorkspace();
    const event = aTrack({ messageId: 'same' });
    expect(told(await h.ingest(h.aStage(), [h.aRecord(event), h.aRecord(event, { headers: { 'write-key': other.writeKey } })]))).toEqual(['forward event', 'forward event']);
  });

  test('an order that two systems report counts once, its number as text; its refund is another fact', async () => {
    const order = (fields: object) => h.aRecord(aTrack({ event: 'Order Completed', properties: { order_id: '17' }, ...fields }));
    const stage = h.aStage();
    expect(told(await h.ingest(stage, [order({ messageId: 'shop' }), order({ messageId: 'erp', properties: { order_id: 17 } }), order({ messageId: 'refund', event: 'Order Refunded' })]))).toEqual([
      'forward event', 'drop duplicate_fact', 'forward event',
    ]);
    expect(told(await h.ingest(h.aStage(), [order({ messageId: 'crm' }), order({ messageId: 'erp', properties: { order_id: 'another' } })]))).toEqual(['drop duplicate_fact', 'drop duplicate_message']);
  });

  test('a record without a message id is itself wherever it is read again', async () => {
    const record = h.aRecord({ type: 'track', event: 'x', userId: 'u' });
    expect(await h.ingest(h.aStage(), [record])).toMatchObject([{ entries: [{ messageId: `inbound.events:0:${record.offset}` }] }]);
    expect(told(await h.ingest(h.aStage(), [record]))).toEqual(['drop duplicate_message']);
  });

  test('a parked event can be repaired and sent again under its message id', async () => {
    expect(told(await h.ingest(h.aStage(), [h.aRecord(aTrack({ messageId: 'r', timestamp: 'soon' }))]))).toEqual(['park malformed_timestamp']);
    expect(told(await h.ingest(h.aStage(), [h.aRecord(aTrack({ messageId: 'r' }))]))).toEqual(['forward event']);
  });

  test('a batch that did not commit has seen nothing', async () => {
    const stage = h.aStage();
    const record = h.aRecord(aTrack());
    await stage.decide([record]);
    expect(told(await h.ingest(stage, [record]))).toEqual(['forward event']);
  });

  test('two instances with the same event at once: one commits, the other fails as a serialization failure and then drops it', async () => {
    const [one, other] = [h.aStage(), h.aStage()];
    const event = aTrack({ messageId: 'raced', userId: undefined, anonymousId: 'known' });
    await h.ingest(one, [h.aRecord(aTrack({ userId: undefined, anonymousId: 'known' }))]);
    const [first, second] = [await one.decide([h.aRecord(event)]), await other.decide([h.aRecord(event)])];
    await h.commit(first);
    await expect(h.commit(second)).rejects.toMatchObject({ code: '40001' });
    other.reset();
    expect(told(await h.ingest(other, [h.aRecord(event)]))).toEqual(['drop duplicate_message']);
  });

  test('is remembered over the boundary of two periods, and old periods go', async () => {
    const stage = h.aStage();
    await h.ingest(stage, [h.aRecord(aTrack({ messageId: 'old' }))]);
    await h.pool.query(`update ingestion.seen_periods set starts_at = starts_at - interval '10 days', ends_at = ends_at - interval '10 days'`);
    await new SeenKeeper(h.pool, 30).keep();
    expect(told(await h.ingest(stage, [h.aRecord(aTrack({ messageId: 'old' })), h.aRecord(aTrack({ messageId: 'new' }))]))).toEqual(['drop duplicate_message', 'forward event']);
    await h.pool.query(`update ingestion.seen_periods set starts_at = starts_at - interval '50 days', ends_at = ends_at - interval '50 days'`);
    await new SeenKeeper(h.pool, 30).keep();
    expect(told(await h.ingest(stage, [h.aRecord(aTrack({ messageId: 'old' }))]))).toEqual(['forward event']);
    const { rows } = await h.pool.query(`select count(*) from pg_inherits where inhparent = 'ingestion.seen'::regclass`);
    expect(rows).toEqual([{ count: 2 }]);
  });

  test('within a minute of a boundary two instances meet all the same', async () => {
    await h.pool.query(`update ingestion.seen_periods p set ends_at = now() + interval '20 seconds' where now() between starts_at and ends_at`);
    await h.pool.query(`update ingestion.seen_periods p set starts_at = now() + interval '20 seconds' where starts_at > now()`);
    const [one, other] = [h.aStage(), h.aStage()];
    // Somebody who is known: nothing but the message id can collide.
    await h.ingest(one, [h.aRecord(aTrack())]);
    const event = aTrack({ messageId: 'boundary' });
    const [first, second] = [await one.decide([h.aRecord(event)]), await other.decide([h.aRecord(event)])];
    await h.commit(first);
    // As if the boundary had passed between the two.
    await h.pool.query(`update ingestion.seen_periods set starts_at = starts_at - interval '30 seconds', ends_at = ends_at - interval '30 seconds'`);
    await expect(h.commit(second)).rejects.toMatchObject({ code: '40001' });
  });

  test('without a period for this moment nothing is accepted: better none than twice', async () => {
    const client = await h.pool.connect();
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

describe('what our own services say', () => {
  const message = { type: 'track', event: 'Email Opened', messageId: 'open-1', timestamp: '2025-12-31T00:00:00.000Z' };

  test('goes to the profile that they name, or to its survivor', async () => {
    const stage = h.aStage();
    const anonymous = lastProfile(await h.ingest(stage, [h.aRecord(aTrack({ userId: undefined, anonymousId: 'a' }))]));
    const opened = (messageId: string) => h.fromOut(inletRecord({ workspace, profileId: anonymous, key: 'k', message: { ...message, messageId } }, SECRET));
    expect(lastProfile(await h.ingest(stage, [opened('open-1')]))).toBe(anonymous);
    await h.ingest(stage, [h.aRecord(aTrack({ userId: 'u' }))]);
    // In the batch of the merge itself, and after it.
    const endings = await h.ingest(stage, [h.aRecord(aTrack({ userId: 'u', anonymousId: 'a' })), opened('open-2')]);
    expect(lastProfile(endings)).toBe(await h.meant('userId', 'u'));
    expect(lastProfile(await h.ingest(stage, [opened('open-3')]))).toBe(await h.meant('userId', 'u'));
  });

  test('makes a profile where they name identifiers only', async () => {
    const record = h.fromOut(inletRecord({ workspace, key: 'k', message: { ...message, context: { traits: { email: 'new@b.example' } } } }, SECRET));
    expect(lastProfile(await h.ingest(h.aStage(), [record]))).toBe(await h.meant('email', 'new@b.example'));
  });

  test.each([
    ['a profile that there is not', () => h.fromOut(inletRecord({ workspace, profileId: '00000000-0000-8000-8000-000000000000', key: 'k', message }, SECRET)), 'unknown_profile'],
    ['a profile id that is none', () => h.fromOut(inletRecord({ workspace, profileId: 'nobody', key: 'k', message }, SECRET)), 'unknown_profile'],
    ['a workspace that there is not', () => h.fromOut(inletRecord({ workspace: 'ws_none', key: 'k', message: { ...message, userId: 'u' } }, SECRET)), 'unknown_key'],
    ['with another secret', () => h.fromOut(inletRecord({ workspace, key: 'k', message: { ...message, userId: 'u' } }, 'guessed')), 'forged_signature'],
    ['for another profile than was signed', () => {
      const record = h.fromOut(inletRecord({ workspace, key: 'k', message: { ...message, userId: 'u' } }, SECRET));
      return { ...record, headers: { ...record.headers, 'profile-id': '00000000-0000-8000-8000-000000000000' } };
    }, 'forged_signature'],
  ])('is set aside: %s', async (_, make, reason) => {
    expect(told(await h.ingest(h.aStage(), [make()]))).toEqual([`park ${reason}`]);
  });

  test('a profile of another workspace cannot be named', async () => {
    const theirs = lastProfile(await h.ingest(h.aStage(), [h.aRecord(aTrack())]));
    const other = await h.addWorkspace();
    expect(told(await h.ingest(h.aStage(), [h.fromOut(inletRecord({ workspace: other.workspace, profileId: theirs, key: 'k', message }, SECRET))]))).toEqual(['park unknown_profile']);
  });
});

describe('a transfer', () => {
  test('goes to whoever the survivor is by now, once', async () => {
    const stage = h.aStage();
    const survivor = lastProfile(await h.ingest(stage, [h.aRecord(aTrack({ userId: undefined, anonymousId: 'b' }))]));
    await h.ingest(stage, [h.aRecord(aTrack({ userId: 'u' }))]);
    await h.ingest(stage, [h.aRecord(aTrack({ userId: 'u', anonymousId: 'b' }))]);
    const record = h.fromOut(transferRecord({ workspace, survivor, loser: 'l', states: { scoring: 'AAAA' }, stragglers: [] }, 'transfer:l', SECRET));
    const endings = await h.ingest(stage, [record, { ...record, offset: record.offset + 1 }]);
    expect(told(endings)).toEqual(['forward transfer', 'drop duplicate_message']);
    expect(endings[0]).toMatchObject({ entries: [{ kind: 'transfer', profileId: await h.meant('userId', 'u'), other: 'l', messageId: 'transfer:l', appendedAtMs: record.timestampMs, body: record.value }] });
  });

  test('that nobody signed is set aside', async () => {
    const record = h.fromOut(transferRecord({ workspace, survivor: 's', loser: 'l', states: {}, stragglers: [] }, 'transfer:l', 'guessed'));
    const { 'internal-signature': _, ...unsigned } = record.headers;
    expect(told(await h.ingest(h.aStage(), [record, { ...record, headers: { ...unsigned, 'write-key': writeKey } }]))).toEqual(['park forged_signature', 'park forged_signature']);
  });
});

describe('the inlet as it comes', () => {
  test('bad records are set aside one by one, and the rest goes on in order', async () => {
    const endings = await h.ingest(h.aStage(), [
      h.aRecord('{"type":'), h.aRecord(aTrack({ userId: 'u1' })), h.aRecord(aTrack(), { headers: {} }), h.aRecord(aTrack(), { headers: { 'write-key': 'wk_guessed' } }), h.aRecord('', { value: null }),
      h.aRecord(aTrack({ userId: 'u2' })), h.aRecord('', { value: null, headers: { control: 'tick' } }),
    ]);
    expect(told(endings)).toEqual(['park malformed_json', 'forward event', 'park no_key', 'park unknown_key', 'park empty', 'forward event', 'drop tick']);
  });

  test('an admin key opens nothing here', async () => {
    const { adminKey } = await h.addWorkspace();
    expect(told(await h.ingest(h.aStage(), [h.aRecord(aTrack(), { headers: { 'write-key': adminKey } })]))).toEqual(['park unknown_key']);
  });

  test('a source named by an authenticated publisher is that source', async () => {
    await new SourceStore(h.pool).add({ workspace, key: 'erp', kind: 'kafka', trusted: true, sealedSecret: null, createdMs: 0, writeKeyHash: hashKey(`wk_${workspace}`) });
    const from = (id: string) => h.aRecord(aTrack({ messageId: id }), { headers: { 'source-id': id } });
    expect(told(await h.ingest(h.aStage(), [from(`${workspace}/erp`), from(`${workspace}/crm`), from(`ws_other/erp`), from('erp'), from('\0/erp')]))).toEqual([
      'forward event', ...Array.from({ length: 4 }, () => 'park unknown_key'),
    ]);
  });

  test('everything that is let in can be stored as jsonb', async () => {
    const stage = h.aStage();
    const bodies = ['1e308', '-1.5E-300', '"\\ud83d\\ude00"', '"\\\\u0000"', '12345678901234567890.123', '"3e400000"', '{"__proto__":{"a":1}}', '[[[[1]]]]'];
    const refused = ['1e309', '1e-400000', '"\\u0000"', '"\\ud83d"', '"\\ude00\\ud83d"', `0.${'1'.repeat(20_000)}`];
    const endings = await h.ingest(stage, [...bodies, ...refused].map((json) => h.aRecord(`{"type":"track","event":"x","userId":"u","properties":{"a":${json}}}`)));
    expect(told(endings).map((ending) => ending.split(' ')[0])).toEqual([...bodies.map(() => 'forward'), ...refused.map(() => 'park')]);
    for (const ending of endings) if (ending.ending === 'forward') await h.pool.query('select $1::jsonb', [String(ending.entries[0]?.body)]);
  });
});
