import 'reflect-metadata';
import type { SegmentChange } from '@tributary/contracts/change';
import { LIST_MEMBERSHIP_CHANGED } from '@tributary/contracts/own-events';
import { inboundEvents } from '@tributary/contracts/topics/inbound-events';
import { segmentsChanged } from '@tributary/contracts/topics/segments-changed';
import type { LogRecord } from '@tributary/stream/stage';
import { ChangeWatch, type WatchedChange } from './change-watch.js';
import { ListChanges } from './list-change.js';
import { aProfile, NOON_MS } from './testing/a-segment.js';
import { SECRET } from './testing/fold-driver.js';
import { RunningApi, STRANGERS_KEY } from './testing/create-api.js';

// Real servers, on a machine that may be busy.
jest.setTimeout(90_000);

let api: RunningApi;

beforeAll(async () => {
  api = await RunningApi.start();
  await api.log.ensureTopics([
    { name: inboundEvents.name, partitions: 1, replicationFactor: 1, config: inboundEvents.config },
    { name: segmentsChanged.name, partitions: 2, replicationFactor: 1, config: {} },
  ]);
  const { pool } = api.database;
  await pool.query("insert into stream.progress (stage, partition, watermark_ms) values ('segmentation', 0, $1)", [NOON_MS]);
  await pool.query("insert into ingestion.profile_survivors select 'ws_a', p, p from unnest($1::uuid[]) p", [[1, 2, 3].map(aProfile)]);
  await pool.query("insert into ingestion.profile_identifiers values ('ws_a', 'userId', '1', $1), ('ws_a', 'email', 'two@a.example', $2)", [aProfile(1), aProfile(2)]);
  await pool.query("insert into scoring.profiles_public select 'ws_a', p, 0, '{}', '{}', '{\"engagement\":0}', null, $2, $2 from unnest($1::uuid[]) p", [[1, 2, 3].map(aProfile), NOON_MS - 1_000]);
  await pool.query("insert into scoring.history select 'ws_a', p, 0, 'm' || n, 'track', 'Order Completed', $2::bigint - 10, $2::bigint - 10, n, '{\"properties\":{\"revenue\":5}}' from unnest($1::uuid[]) with ordinality o(p, n)", [[1, 2].map(aProfile), NOON_MS]);
});

afterAll(() => api.stop());

const buyers = (over: object = {}): object => ({ key: 'buyers', name: 'Buyers', rule: { performed: 'Order Completed' }, ...over });

async function until<T>(look: () => T | undefined): Promise<T> {
  for (const deadline = Date.now() + 20_000; ; ) {
    const found = look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error('waited twenty seconds in vain');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('a segment', () => {
  test('is made, found, and not made twice', async () => {
    const made = await api.request('POST', '/v1/segments', buyers());
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ key: 'buyers', status: 'backfilling', version: 1, count: 0, asOf: '2026-03-01T12:00:00.000Z', warnings: [] });
    expect((await api.request('GET', '/v1/segments/buyers')).body).toMatchObject({ key: 'buyers', rule: { performed: 'Order Completed' } });
    expect(await api.request('POST', '/v1/segments', buyers())).toMatchObject({ status: 409, body: { code: 'duplicate_key' } });
  });

  test('of another workspace does not exist', async () => {
    for (const path of ['', '/members', '/threshold']) expect((await api.request('GET', `/v1/segments/buyers${path}`, undefined, { key: STRANGERS_KEY })).status).toBe(404);
    expect((await api.request('GET', '/v1/segments', undefined, { key: STRANGERS_KEY })).body).toEqual({ segments: [], cursor: null });
  });

  test('with wrong rules is refused with a pointer to each', async () => {
    const { status, body } = await api.request('POST', '/v1/segments', { key: 'wrong', name: 'Wrong', rule: { and: [{ performed: 'X', within: '0d' }, { trait: 'plan', op: 'like', value: 1 }, { list: 'nobodys' }] } });
    expect(status).toBe(422);
    expect(body.errors.map(({ pointer, code }: { pointer: string; code: string }) => [pointer, code])).toEqual([
      ['/rule/and/0/within', 'invalid_duration'], ['/rule/and/1/op', 'unknown_operator'], ['/rule/and/2/list', 'unknown_list'],
    ]);
  });

  test('on an event that nobody has sent yet is made with a warning', async () => {
    const { status, body } = await api.request('POST', '/v1/segments', { key: 'future', name: 'Future', rule: { performed: 'Never Sent' } });
    expect(status).toBe(201);
    expect(body.warnings).toEqual([expect.objectContaining({ pointer: '/rule/performed' })]);
  });

  test('that another one names is not deleted, and cycles are refused', async () => {
    await api.request('POST', '/v1/segments', { key: 'outer', name: 'Outer', rule: { not: { segment: 'buyers' } } });
    expect(await api.request('DELETE', '/v1/segments/buyers')).toMatchObject({ status: 409, body: { code: 'in_use', detail: expect.stringContaining('"outer"') } });
    expect(await api.request('PUT', '/v1/segments/buyers', buyers({ rule: { segment: 'outer' } }))).toMatchObject({ status: 422, body: { errors: [{ code: 'cycle' }] } });
    expect((await api.request('DELETE', '/v1/segments/outer')).status).toBe(204);
    expect((await api.request('GET', '/v1/segments/outer')).status).toBe(404);
  });

  test('that an automation acts on is not deleted', async () => {
    await api.database.pool.query("insert into delivery.segments_used values ('ws_a', 'welcome', 'future')");
    expect(await api.request('DELETE', '/v1/segments/future')).toMatchObject({ status: 409, body: { detail: expect.stringContaining('automation "welcome"') } });
  });
});

describe('a preview', () => {
  test('says whom a rule selects', async () => {
    const { body } = await api.request('POST', '/v1/segments/preview', { rule: { performed: 'Order Completed' } });
    expect(body).toMatchObject({ count: 2, sample: [{ profileId: aProfile(1) }, { profileId: aProfile(2) }] });
  });

  test('with "replaces" says who would enter and who would leave', async () => {
    await api.database.pool.query("insert into segmentation.memberships select 'ws_a', 'buyers', p, $2, 1 from unnest($1::uuid[]) p", [[1, 3].map(aProfile), NOON_MS - 5]);
    const { body } = await api.request('POST', '/v1/segments/preview', { rule: { performed: 'Order Completed', where: [{ property: 'revenue', op: 'gt', value: 1 }] }, replaces: 'buyers' });
    expect(body).toMatchObject({ count: 2, enter: { count: 1, sample: [{ profileId: aProfile(2) }] }, leave: { count: 1, sample: [{ profileId: aProfile(3) }] } });
    expect((await api.request('POST', '/v1/segments/preview', { rule: { performed: 'X' }, replaces: 'nothing' })).status).toBe(404);
  });
});

describe('changes', () => {
  test('come in order of effect, page by page, none twice', async () => {
    const rows = [[1, 1, 'entered', 0], [2, 1, 'entered', 0], [1, 2, 'left', 5], [1, 3, 'entered', 9], [2, 2, 'left', 9]] as const;
    await api.database.pool.query(
      "insert into segmentation.changes select 'ws_a', p, n, 'buyers', c, $5::bigint + t, $5::bigint + t, 'event', 1, '{\"nodes\":[]}' from unnest($1::uuid[], $2::bigint[], $3::text[], $4::bigint[]) r(p, n, c, t)",
      [rows.map(([who]) => aProfile(who)), rows.map(([, n]) => n), rows.map(([, , change]) => change), rows.map(([, , , at]) => at), Date.now() - 60_000],
    );
    const seen: string[] = [];
    let cursor: string | null = '';
    for (let pages = 0; cursor !== null && pages < 10; pages++) {
      const { body } = await api.request('GET', `/v1/segments/buyers/changes?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
      seen.push(...body.changes.map(({ profileId, sequence }: SegmentChange) => `${Number(profileId.slice(-12))}#${sequence}`));
      cursor = body.cursor;
    }
    expect(seen).toEqual(['1#1', '2#1', '1#2', '1#3', '2#2']);
  });

  test('without rest are flagged as flapping', async () => {
    await api.database.pool.query("insert into stream.timers values ('segmentation', 0, 'ws_a', $1, $2)", [aProfile(1), NOON_MS + 1]);
    expect((await api.request('GET', '/v1/segments/buyers')).body).toMatchObject({
      nextTimerAt: '2026-03-01T12:00:00.001Z', flapping: { profiles: 1, flagged: true }, drift: { countDayAgo: 1, flagged: false }, entered: { hour: 3, day: 3 }, left: { hour: 2, day: 2 },
    });
  });
});

describe('a threshold', () => {
  test('comes with the histogram of the score and what moving it would do', async () => {
    await api.request('POST', '/v1/segments', { key: 'cold', name: 'Cold', rule: { and: [{ performed: 'Order Completed' }, { score: 'engagement', op: 'lt', value: 8 }] } });
    const { status, body } = await api.request('GET', '/v1/segments/cold/threshold');
    expect(status).toBe(200);
    expect(body).toMatchObject({ score: 'engagement', path: '/rule/and/1', op: 'lt', value: 8 });
    expect(body.histogram.map(({ count }: { count: number }) => count)).toEqual([3, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(body.moves.map(({ by, value }: { by: number; value: number }) => [by, value])).toEqual([[-5, 3], [5, 13], [10, 18]]);
  });

  test('is nothing that other segments have', async () => {
    expect(await api.request('GET', '/v1/segments/buyers/threshold')).toMatchObject({ status: 422, body: { code: 'no_threshold' } });
  });
});

describe('a static list', () => {
  const told: LogRecord[] = [];
  let tail: { stop(): Promise<void> };

  beforeAll(async () => {
    tail = await api.log.tail({ topic: inboundEvents.name, from: 'start', onRecord: (record) => void told.push(record) });
  });

  afterAll(() => tail.stop());

  const messages = () => told.map(({ value }) => JSON.parse(String(value)) as { messageId: string; type: string; event: string; properties: { list: string; member: boolean } });

  test('is made once, and listed', async () => {
    expect(await api.request('POST', '/v1/lists', { key: 'vips', name: 'VIPs' })).toMatchObject({ status: 201, body: { key: 'vips', count: 0 } });
    expect((await api.request('POST', '/v1/lists', { key: 'vips', name: 'VIPs' })).status).toBe(409);
    expect((await api.request('POST', '/v1/lists', { key: 'V I P', name: '' })).status).toBe(422);
    expect((await api.request('GET', '/v1/lists')).body).toMatchObject({ lists: [{ key: 'vips' }], cursor: null });
    expect((await api.request('GET', '/v1/lists/vips', undefined, { key: STRANGERS_KEY })).status).toBe(404);
  });

  test('takes a CSV, tells the log in a form that the stage believes, and names whom nobody knows', async () => {
    const { status, body } = await api.request('PUT', '/v1/lists/vips/members', 'ref\r\nuserId:1\n"email:Two@a.example"\nuserId:nobody\n', { type: 'text/csv' });
    expect({ status, body }).toEqual({ status: 200, body: { key: 'vips', added: 2, removed: 0, unknown: ['userId:nobody'], unknownCount: 1 } });
    await until(() => (told.length === 2 ? true : undefined));
    expect(told.map(({ headers }) => headers['profile-id'])).toEqual([aProfile(1), aProfile(2)]);
    const [message] = messages();
    expect(message).toMatchObject({ type: 'track', event: LIST_MEMBERSHIP_CHANGED, properties: { list: 'vips', member: true } });
    const reading = { workspace: 'ws_a', type: 'track', name: LIST_MEMBERSHIP_CHANGED, messageId: message!.messageId, readBody: () => message! };
    expect(new ListChanges(SECRET).read(reading)).toEqual({ list: 'vips', member: true });
    expect(new ListChanges(SECRET).read({ ...reading, workspace: 'ws_b' })).toBeNull();
  });

  test('takes JSON; each change has message ids of its own', async () => {
    const { body } = await api.request('PUT', '/v1/lists/vips/members', { add: [aProfile(3)], remove: ['userId:1'] });
    expect(body).toMatchObject({ added: 1, removed: 1, unknownCount: 0 });
    await until(() => (told.length === 4 ? true : undefined));
    expect(new Set(messages().map(({ messageId }) => messageId)).size).toBe(4);
    expect(messages().slice(2).map(({ properties }) => properties.member)).toEqual([false, true]);
  });

  test.each([
    [{ add: 'userId:1' }, '/add', 'wrong_type'],
    [{ add: ['userId:1', 'nonsense'] }, '/add/1', 'malformed_ref'],
    [{ members: [] }, '/members', 'unknown_field'],
    [[], '', 'wrong_type'],
  ])('refuses %j', async (body, pointer, code) => {
    expect(await api.request('PUT', '/v1/lists/vips/members', body)).toMatchObject({ status: 422, body: { errors: [{ pointer, code }] } });
  });

  test('refuses a CSV without its column, and too many at once', async () => {
    expect(await api.request('PUT', '/v1/lists/vips/members', 'email\na@a.example', { type: 'text/csv' })).toMatchObject({ status: 422, body: { errors: [{ code: 'missing_column' }] } });
    expect((await api.request('PUT', '/v1/lists/vips/members', `ref\n${'userId:1\n'.repeat(50_001)}`, { type: 'text/csv' })).status).toBe(413);
    expect((await api.request('PUT', '/v1/lists/none/members', { add: [] })).status).toBe(404);
  });

  test('that a segment uses is not deleted; one that is deleted lets its members go', async () => {
    await api.request('POST', '/v1/segments', { key: 'listed', name: 'Listed', rule: { or: [{ list: 'vips' }, { performed: 'X' }] } });
    expect(await api.request('DELETE', '/v1/lists/vips')).toMatchObject({ status: 409, body: { code: 'in_use', detail: expect.stringContaining('"listed"') } });
    await api.request('DELETE', '/v1/segments/listed');
    await api.database.pool.query("insert into segmentation.list_members values ('ws_a', 'vips', $1, $2)", [aProfile(2), NOON_MS]);
    expect((await api.request('GET', '/v1/lists/vips')).body).toMatchObject({ count: 1 });
    expect((await api.request('DELETE', '/v1/lists/vips')).status).toBe(204);
    await until(() => (told.length === 5 ? true : undefined));
    expect(messages()[4]!.properties).toMatchObject({ list: 'vips', member: false });
    expect((await api.request('GET', '/v1/lists/vips')).status).toBe(404);
  });
});

describe('a watch', () => {
  const change = (number: number, over: Partial<SegmentChange> = {}): Buffer => Buffer.from(JSON.stringify({
    workspace: 'ws_a', profileId: aProfile(number), identifiers: [], segment: 'buyers', change: 'entered', effectiveAt: 'then', processedAt: 'now', cause: 'event', definitionVersion: 1, sequence: number, reason: { nodes: [] }, ...over,
  }));

  async function publish(numbers: readonly number[], over: Partial<SegmentChange> = {}): Promise<void> {
    const producer = await api.log.producer();
    await producer.send(numbers.map((number) => ({ topic: segmentsChanged.name, partition: number % 2, key: Buffer.from(aProfile(number)), value: change(number, over), headers: { workspace: over.workspace ?? 'ws_a' } })));
  }

  test('goes on by token where it was cut off, on every partition, with nothing missed or told twice', async () => {
    const watch = new ChangeWatch(api.log);
    await publish([1, 2]);
    const first: WatchedChange[] = [];
    const start = Buffer.from('0:0,1:0').toString('base64url');
    const watching = watch.watch({ workspace: 'ws_a', segments: new Set(), token: start }).subscribe((one) => void first.push(one));
    await until(() => (first.length === 2 ? true : undefined));
    watching.unsubscribe();
    await publish([3, 4, 5]);
    await publish([6], { workspace: 'ws_b' });
    await publish([7], { segment: 'others' });
    const second: WatchedChange[] = [];
    const resumed = watch.watch({ workspace: 'ws_a', segments: new Set(['buyers']), token: first[1]!.token }).subscribe((one) => void second.push(one));
    await publish([8]);
    await until(() => (second.length >= 4 ? true : undefined));
    resumed.unsubscribe();
    expect(second.map(({ sequence }) => sequence).sort()).toEqual([3, 4, 5, 8]);
  });

  test('refuses a token that is none of ours', async () => {
    const failure = await new Promise((resolve) => new ChangeWatch(api.log).watch({ workspace: 'ws_a', segments: new Set(), token: 'nonsense' }).subscribe({ error: resolve }));
    expect(failure).toMatchObject({ status: 400, code: 'malformed_token' });
  });
});
