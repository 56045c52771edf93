import { gzipSync, deflateSync } from 'node:zlib';
import { ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { Analytics } from '@segment/analytics-node';
import { inboundEvents } from '@tributary/contracts/topics/inbound-events';
import { EVENT_BYTES_MAX } from '@tributary/domain/ingestion/limits';
import { migrate } from '@tributary/postgres/migrate';
import { readConfig, ServiceConfig } from '@tributary/service/config';
import { ProblemFilter } from '@tributary/service/problem-filter';
import { openProcessLog } from '@tributary/service/service-providers';
import { toProblem } from '@tributary/service/validation';
import type { LogRecord } from '@tributary/stream/stage';
import { createTestBroker } from '@tributary/testing/test-broker';
import { createTestDatabase, type TestDatabase } from '@tributary/testing/test-database';
import { IngestionModule } from '../ingestion.module.js';
import { type EventReading, RecordReader } from '../read-record.js';
import { ingestionSchema } from '../schema.js';
import { REQUEST_BYTES_MAX } from './collector-body.js';

const SECRET = 'a secret of more than thirty-two characters';
const OPERATOR_KEY = 'operator-key-of-the-tests';

let database: TestDatabase;
let app: NestFastifyApplication;
let url: string;
let keys: { workspace: string; writeKey: string; adminKey: string };
const records: LogRecord[] = [];
let tail: { stop(): Promise<void> };

beforeAll(async () => {
  database = await createTestDatabase({ template: { name: 'ingestion', prepare: (at) => migrate(at, [ingestionSchema], () => undefined) } });
  const broker = createTestBroker();
  Object.assign(process.env, { DATABASE_URL: database.url, KAFKA_BROKERS: broker.brokers.join(','), TOPIC_PREFIX: broker.prefix, TRIBUTARY_SECRET: SECRET, OPERATOR_KEY, WRITE_KEY_EVENTS_PER_SECOND: '2000' });
  const log = await openProcessLog(readConfig(ServiceConfig));
  await log.ensureTopics([{ name: inboundEvents.name, partitions: 2, replicationFactor: 1, config: inboundEvents.config }]);
  // A topic that was just made may have no leader yet.
  for (let tries = 0; tries < 50 && !(await log.offsets(inboundEvents.name).catch(() => null)); tries++) await new Promise((resolve) => setTimeout(resolve, 100));
  tail = await log.tail({ topic: inboundEvents.name, from: 'start', onRecord: (record) => records.push(record) });
  app = await NestFactory.create<NestFastifyApplication>(IngestionModule, new FastifyAdapter({ bodyLimit: 1_048_576, forceCloseConnections: true }), { logger: ['error', 'warn'], rawBody: true });
  app.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true, exceptionFactory: toProblem }));
  app.useGlobalFilters(new ProblemFilter());
  await app.listen(0, '127.0.0.1');
  url = await app.getUrl();
  keys = (await (await send('/v1/workspaces', { name: 'Test' }, { authorization: `Bearer ${OPERATOR_KEY}` })).json()) as typeof keys;
}, 30_000);

afterAll(async () => {
  await app.close();
  await tail.stop();
  await (await openProcessLog(readConfig(ServiceConfig))).close();
  await database.drop();
});

const basic = (key: string) => ({ authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` });

function send(path: string, body: unknown, headers: { [name: string]: string } = {}): Promise<Response> {
  const bytes = body instanceof Uint8Array || typeof body === 'string' ? body : JSON.stringify(body);
  return fetch(url + path, { method: 'POST', body: bytes as BodyInit, headers: { 'content-type': 'application/json', ...headers } });
}

const collect = (path: string, body: unknown, headers: { [name: string]: string } = {}) => send(path, body, { ...basic(keys.writeKey), ...headers });

/** As the stage will read it. */
async function arrived(messageId: string): Promise<{ record: LogRecord; reading: EventReading; event: { [field: string]: unknown } }> {
  const reader = new RecordReader({ secret: SECRET, trustSourceId: false });
  for (let tries = 0; tries < 100; tries++) {
    const record = records.find(({ value }) => String(value).includes(`"${messageId}"`));
    if (record) return { record, reading: reader.read(record) as EventReading, event: JSON.parse(String(record.value)) };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${messageId} did not arrive`);
}

test('the doors are described', () => {
  const { paths } = SwaggerModule.createDocument(app, new DocumentBuilder().build());
  expect(Object.keys(paths).sort()).toEqual(['/v1/alias', '/v1/batch', '/v1/group', '/v1/identify', '/v1/page', '/v1/screen', '/v1/sources', '/v1/sources/{key}', '/v1/track', '/v1/workspaces']);
});

const codeOf = async (response: Response) => [response.status, ((await response.json()) as { code?: string }).code];
const aTrack = (fields: object = {}) => ({ event: 'Signed Up', userId: 'u', ...fields });

describe('one event', () => {
  test.each([
    ['identify', { userId: 'u', traits: { plan: 'pro' } }], ['track', aTrack()], ['page', { anonymousId: 'a', name: 'Home' }],
    ['screen', { anonymousId: 'a' }], ['group', { userId: 'u', groupId: 'g' }], ['alias', { userId: 'u', previousId: 'a' }],
  ])('%s is in the inlet when it is answered, with a type, a key and a signed receipt', async (type, event) => {
    const before = Date.now();
    const response = await collect(`/v1/${type}`, { ...event, messageId: `one-${type}` });
    expect([response.status, await response.json()]).toEqual([200, { success: true }]);
    const { record, reading } = await arrived(`one-${type}`);
    expect(reading).toMatchObject({ is: 'event', facts: { type }, sender: { by: 'key', key: keys.writeKey } });
    expect(String(record.key)).toBe('userId' in event ? 'u' : 'a');
    expect(reading.receivedMs).toBeGreaterThanOrEqual(before);
    expect(reading.receivedMs).toBeLessThanOrEqual(record.timestampMs);
  });

  test('that is bad is 400 with its code', async () => {
    const response = await collect('/v1/track', { userId: 'u' });
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(await codeOf(response)).toEqual([400, 'malformed_event_name']);
    expect(await codeOf(await collect('/v1/track', aTrack({ event: 'page' })))).toEqual([400, 'reserved_event_name']);
    expect(await codeOf(await collect('/v1/track', aTrack({ timestamp: 'soon' })))).toEqual([400, 'malformed_timestamp']);
  });

  test.each([['no JSON', '{', 'malformed_json'], ['nothing', '', 'malformed_json'], ['a list', '[]', 'not_an_object'], ['not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'malformed_json']])('of %s is 400', async (_, body, code) => {
    expect(await codeOf(await collect('/v1/track', body))).toEqual([400, code]);
  });

  test('keeps fields that are called like a prototype’s', async () => {
    const response = await collect('/v1/track', '{"event":"x","userId":"u","messageId":"proto","properties":{"__proto__":{"a":1},"constructor":{"prototype":{"a":1}}}}');
    expect(response.status).toBe(200);
    expect(String((await arrived('proto')).record.value)).toContain('"properties":{"__proto__":{"a":1},"constructor":{"prototype":{"a":1}}}');
  });

  test('brings its trace along', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    await collect('/v1/track', aTrack({ messageId: 'traced' }), { traceparent });
    expect((await arrived('traced')).record.headers).toMatchObject({ traceparent });
  });
});

test('a key that sends faster than it may is told when to come back; other keys are not concerned', async () => {
  const { writeKey } = (await (await send('/v1/sources', { key: 'eager', kind: 'http' }, { authorization: `Bearer ${keys.adminKey}` })).json()) as { writeKey: string };
  const batch = Array.from({ length: 1_000 }, () => ({ type: 'x' }));
  const sendBatch = () => send('/v1/batch', { batch }, basic(writeKey));
  let refused: Response | undefined;
  // Four are the burst; a busy machine may let more come back meanwhile.
  for (let tries = 0; tries < 100 && refused === undefined; tries++) {
    const response = await sendBatch();
    if (response.status === 429) refused = response;
    else expect([tries, response.status]).toEqual([tries, 200]);
  }
  expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect(await codeOf(refused as Response)).toEqual([429, 'too_many_requests']);
  expect((await collect('/v1/track', aTrack())).status).toBe(200);
});

describe('a batch', () => {
  test('takes the good and names the bad', async () => {
    const response = await collect('/v1/batch', { batch: [{ type: 'track', ...aTrack({ messageId: 'good' }) }, { type: 'x' }], sentAt: '2026-01-01T00:00:00.000Z', context: { locale: 'de' } });
    expect([response.status, await response.json()]).toEqual([200, { success: true, errors: [{ index: 1, code: 'unknown_type', message: expect.any(String) }] }]);
    expect((await arrived('good')).event).toMatchObject({ sentAt: '2026-01-01T00:00:00.000Z', context: { locale: 'de' } });
  });

  test('of nothing but bad events is 200 with all of them', async () => {
    const response = await collect('/v1/batch', { batch: [{ type: 'x' }] });
    expect([response.status, ((await response.json()) as { errors: unknown[] }).errors.length]).toEqual([200, 1]);
  });

  test('may hold 1,000 events, not 1,001, and must be a list', async () => {
    const batch = (count: number) => ({ batch: Array.from({ length: count }, () => ({ type: 'x' })) });
    expect((await collect('/v1/batch', batch(1_000))).status).toBe(200);
    expect(await codeOf(await collect('/v1/batch', batch(1_001)))).toEqual([413, 'too_large']);
    expect(await codeOf(await collect('/v1/batch', { batch: {} }))).toEqual([400, 'malformed_batch']);
    expect((await collect('/v1/batch', { batch: [] })).status).toBe(200);
  });
});

describe('who may', () => {
  test('the key may come as the user of Basic auth or in the body, which it then leaves', async () => {
    expect((await send('/v1/track', aTrack({ messageId: 'by-body', writeKey: keys.writeKey }))).status).toBe(200);
    const { event, reading } = await arrived('by-body');
    expect(event).not.toHaveProperty('writeKey');
    expect(reading.sender).toEqual({ by: 'key', key: keys.writeKey });
    expect((await send('/v1/batch', { batch: [], writeKey: keys.writeKey })).status).toBe(200);
  });

  test.each([
    ['no key', {}, {}], ['a wrong key', basic('wk_guessed'), {}], ['an admin key', () => basic(keys.adminKey), {}], ['a bearer', () => ({ authorization: `Bearer ${keys.writeKey}` }), {}],
    ['a wrong key beside a right one in the body', basic('wk_guessed'), () => ({ writeKey: keys.writeKey })], ['a key that is no text', {}, { writeKey: { a: 1 } }],
  ])('%s is 401', async (_, headers, fields) => {
    const read = (value: unknown) => (typeof value === 'function' ? value() : value) as { [name: string]: string };
    expect(await codeOf(await send('/v1/track', aTrack(read(fields)), read(headers)))).toEqual([401, 'unauthorized']);
  });

  test('browsers of other origins are answered, also before they send', async () => {
    const preflight = await fetch(`${url}/v1/track`, { method: 'OPTIONS', headers: { origin: 'https://shop.example', 'access-control-request-method': 'POST' } });
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, '*']);
    const response = await collect('/v1/page', JSON.stringify({ anonymousId: 'a', messageId: 'beacon' }), { 'content-type': 'text/plain', origin: 'https://shop.example' });
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([200, '*']);
    expect((await arrived('beacon')).reading.is).toBe('event');
  });
});

describe('limits', () => {
  const padded = (bytes: number, make: (padding: string) => object) => JSON.stringify(make('x'.repeat(bytes - JSON.stringify(make('')).length)));

  test('an event may have 32 KB, not a byte more', async () => {
    const event = (padding: string) => ({ type: 'track', ...aTrack({ messageId: 'size', properties: { padding } }) });
    expect((await collect('/v1/track', padded(EVENT_BYTES_MAX, event))).status).toBe(200);
    expect(await codeOf(await collect('/v1/track', padded(EVENT_BYTES_MAX + 1, event)))).toEqual([400, 'event_too_large']);
    const one = JSON.parse(padded(EVENT_BYTES_MAX + 1, event)) as object;
    expect(await (await collect('/v1/batch', { batch: [one] })).json()).toMatchObject({ errors: [{ index: 0, code: 'event_too_large' }] });
  });

  test('a request may have 500 KB, plain or after inflating, not a byte more', async () => {
    const body = (bytes: number) => padded(bytes, (padding) => ({ batch: [], padding }));
    for (const [encode, headers] of [[(text: string) => text, {}], [gzipSync, { 'content-encoding': 'gzip' }], [deflateSync, { 'content-encoding': 'deflate' }]] as const) {
      expect((await collect('/v1/batch', encode(body(REQUEST_BYTES_MAX)), headers)).status).toBe(200);
      expect(await codeOf(await collect('/v1/batch', encode(body(REQUEST_BYTES_MAX + 1)), headers))).toEqual([413, 'too_large']);
    }
  });

  test('a bomb is put out: little is inflated of what would be much', async () => {
    const bomb = gzipSync(Buffer.alloc(100 * 1024 * 1024, 0x20));
    const before = process.memoryUsage.rss();
    expect(await codeOf(await collect('/v1/batch', bomb, { 'content-encoding': 'gzip' }))).toEqual([413, 'too_large']);
    expect(process.memoryUsage.rss() - before).toBeLessThan(50 * 1024 * 1024);
  });

  test('gzip that is none is 400, an unknown encoding 415', async () => {
    expect(await codeOf(await collect('/v1/batch', '{"batch":[]}', { 'content-encoding': 'gzip' }))).toEqual([400, 'malformed_body']);
    expect(await codeOf(await collect('/v1/batch', gzipSync('{"batch":[]}').subarray(0, 20), { 'content-encoding': 'gzip' }))).toEqual([400, 'malformed_body']);
    expect(await codeOf(await collect('/v1/batch', '{"batch":[]}', { 'content-encoding': 'br' }))).toEqual([415, 'unsupported_encoding']);
  });

  test('depth is bounded', async () => {
    const deep = `{"event":"x","userId":"u","properties":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`;
    expect(await codeOf(await collect('/v1/track', deep))).toEqual([400, 'event_too_deep']);
  });
});

describe('Segment’s own SDK', () => {
  test('works with another host', async () => {
    const errors: unknown[] = [];
    const analytics = new Analytics({ writeKey: keys.writeKey, host: url, flushAt: 3, flushInterval: 50 });
    analytics.on('error', (error) => errors.push(error));
    const delivered = new Promise<void>((resolve) => analytics.track({ userId: 'sdk', event: 'Signed Up', properties: { plan: 'pro' }, messageId: 'sdk-track' }, () => resolve()));
    analytics.identify({ userId: 'sdk', traits: { email: 'sdk@b.example' }, messageId: 'sdk-identify' });
    analytics.page({ anonymousId: 'sdk-a', name: 'Home', messageId: 'sdk-page' });
    await analytics.closeAndFlush();
    await delivered;
    expect(errors).toEqual([]);
    expect((await arrived('sdk-track')).reading).toMatchObject({ facts: { type: 'track', name: 'Signed Up', sentAtMs: expect.any(Number), timestampMs: expect.any(Number) } });
    expect((await arrived('sdk-identify')).reading.facts.identifiers).toEqual([{ type: 'userId', value: 'sdk' }, { type: 'email', value: 'sdk@b.example' }]);
    expect((await arrived('sdk-page')).reading.facts.name).toBe('page');
  });

  test('hears of a wrong key', async () => {
    const analytics = new Analytics({ writeKey: 'wk_guessed', host: url, maxRetries: 0 });
    const failed = new Promise((resolve) => analytics.on('error', resolve));
    analytics.track({ userId: 'sdk', event: 'x' });
    await analytics.closeAndFlush();
    expect(await failed).toMatchObject({ code: 'delivery_failure' });
  });
});

describe('workspaces and sources', () => {
  const operator = { authorization: `Bearer ${OPERATOR_KEY}` };
  const admin = () => ({ authorization: `Bearer ${keys.adminKey}` });
  const get = (path: string, headers = admin()) => fetch(url + path, { headers });

  test('a workspace is made with the operator’s key, and its keys work', async () => {
    const response = await send('/v1/workspaces', { name: 'Shop', timezone: 'Europe/Berlin' }, operator);
    expect(response.status).toBe(201);
    const made = (await response.json()) as typeof keys;
    expect(made).toEqual({ workspace: expect.stringMatching(/^ws_/), writeKey: expect.stringMatching(/^wk_/), adminKey: expect.stringMatching(/^ak_/) });
    expect((await send('/v1/track', aTrack(), basic(made.writeKey))).status).toBe(200);
    expect(await (await get('/v1/sources', { authorization: `Bearer ${made.adminKey}` })).json()).toMatchObject({ sources: [{ key: 'default', kind: 'http', trusted: true }], cursor: null });
  });

  test.each([[{}, 401], [{ authorization: 'Bearer another-key' }, 401], [() => admin(), 401]])('not with another key', async (headers, status) => {
    expect((await send('/v1/workspaces', { name: 'x' }, (typeof headers === 'function' ? headers() : headers) as { [name: string]: string })).status).toBe(status);
  });

  test.each([[{ timezone: 'UTC' }, '/name'], [{ name: 'x', timezone: 'Mars/Olympus' }, '/timezone'], [{ name: 'x', colour: 'red' }, '/colour']])('a wrong body is refused with where: %j', async (body, pointer) => {
    const response = await send('/v1/workspaces', body, operator);
    expect([response.status, await response.json()]).toEqual([422, expect.objectContaining({ errors: expect.arrayContaining([expect.objectContaining({ pointer })]) })]);
  });

  test('a source is made once, with a write key of its own and a secret that is never told', async () => {
    const body = { key: 'provider', kind: 'webhook:postmark', secret: 'whsec' };
    const response = await send('/v1/sources', body, admin());
    expect(response.status).toBe(201);
    const made = (await response.json()) as { writeKey: string };
    expect(made).toEqual({ key: 'provider', kind: 'webhook:postmark', trusted: true, hasSecret: true, createdAt: expect.any(String), writeKey: expect.stringMatching(/^wk_/) });
    expect((await send('/v1/track', aTrack(), basic(made.writeKey))).status).toBe(200);
    expect(await codeOf(await send('/v1/sources', body, admin()))).toEqual([409, 'duplicate_key']);
    const shown = await (await get('/v1/sources/provider')).text();
    expect(shown).not.toContain('whsec');
    expect(shown).not.toContain(made.writeKey);
  });

  test('a browser’s source is untrusted unless said otherwise', async () => {
    expect(await (await send('/v1/sources', { key: 'browser', kind: 'http' }, admin())).json()).toMatchObject({ trusted: false });
    expect(await (await send('/v1/sources', { key: 'server', kind: 'http', trusted: true }, admin())).json()).toMatchObject({ trusted: true });
  });

  test('sources are listed in pages, and another workspace’s are not there', async () => {
    const keysOf = async (query: string) => (await (await get(`/v1/sources${query}`)).json()) as { sources: { key: string }[]; cursor: string | null };
    const all = (await keysOf('')).sources.map(({ key }) => key);
    const first = await keysOf('?limit=2');
    const second = await keysOf(`?limit=1000&cursor=${first.cursor}`);
    expect([...first.sources, ...second.sources].map(({ key }) => key)).toEqual(all);
    expect(second.cursor).toBeNull();
    const other = (await (await send('/v1/workspaces', { name: 'Other' }, operator)).json()) as typeof keys;
    expect((await get('/v1/sources/provider', { authorization: `Bearer ${other.adminKey}` })).status).toBe(404);
  });

  test.each([[{ key: 'Upper', kind: 'http' }, '/key'], [{ key: 'a', kind: 'ftp' }, '/kind'], [{ key: 'a', kind: 'webhook:' }, '/kind'], [{ key: 'a', kind: 'http', trusted: 'yes' }, '/trusted']])('a source that cannot be is refused: %j', async (body, pointer) => {
    const response = await send('/v1/sources', body, admin());
    expect([response.status, await response.json()]).toEqual([422, expect.objectContaining({ errors: expect.arrayContaining([expect.objectContaining({ pointer })]) })]);
  });

  test('a write key manages nothing', async () => {
    expect((await get('/v1/sources', { authorization: `Bearer ${keys.writeKey}` })).status).toBe(401);
  });
});
