import { gzipSync, deflateSync } from 'node:zlib';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { Analytics } from '@segment/analytics-node';
import { EVENT_BYTES_MAX } from '@tributary/domain/ingestion/limits';
import type { LogRecord } from '@tributary/stream/stage';
import { type EventReading, RecordReader } from '../read-record.js';
import { basic, IngestionApp, SECRET } from '../testing/create-ingestion-app.js';
import { REQUEST_BYTES_MAX } from './collector-body.js';

let service: IngestionApp;

beforeAll(async () => {
  service = await IngestionApp.start();
}, 30_000);

afterAll(() => service.stop());

const send: IngestionApp['send'] = (...request) => service.send(...request);
const collect = (path: string, body: unknown, headers: { [name: string]: string } = {}) => send(path, body, { ...basic(service.keys.writeKey), ...headers });

/** As the stage will read it. */
async function arrived(messageId: string): Promise<{ record: LogRecord; reading: EventReading; event: { [field: string]: unknown } }> {
  const reader = new RecordReader({ secret: SECRET, trustSourceId: false });
  for (let tries = 0; tries < 100; tries++) {
    const record = service.records.find(({ value }) => String(value).includes(`"${messageId}"`));
    if (record) return { record, reading: reader.read(record) as EventReading, event: JSON.parse(String(record.value)) };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${messageId} did not arrive`);
}

test('the doors are described', () => {
  const { paths } = SwaggerModule.createDocument(service.app, new DocumentBuilder().build());
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
    expect(reading).toMatchObject({ is: 'event', facts: { type }, sender: { by: 'key', key: service.keys.writeKey } });
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
  const { writeKey } = (await (await send('/v1/sources', { key: 'eager', kind: 'http' }, { authorization: `Bearer ${service.keys.adminKey}` })).json()) as { writeKey: string };
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
    expect((await send('/v1/track', aTrack({ messageId: 'by-body', writeKey: service.keys.writeKey }))).status).toBe(200);
    const { event, reading } = await arrived('by-body');
    expect(event).not.toHaveProperty('writeKey');
    expect(reading.sender).toEqual({ by: 'key', key: service.keys.writeKey });
    expect((await send('/v1/batch', { batch: [], writeKey: service.keys.writeKey })).status).toBe(200);
  });

  test.each([
    ['no key', {}, {}], ['a wrong key', basic('wk_guessed'), {}], ['an admin key', () => basic(service.keys.adminKey), {}], ['a bearer', () => ({ authorization: `Bearer ${service.keys.writeKey}` }), {}],
    ['a wrong key beside a right one in the body', basic('wk_guessed'), () => ({ writeKey: service.keys.writeKey })], ['a key that is no text', {}, { writeKey: { a: 1 } }],
  ])('%s is 401', async (_, headers, fields) => {
    const read = (value: unknown) => (typeof value === 'function' ? value() : value) as { [name: string]: string };
    expect(await codeOf(await send('/v1/track', aTrack(read(fields)), read(headers)))).toEqual([401, 'unauthorized']);
  });

  test('browsers of other origins are answered, also before they send', async () => {
    const preflight = await fetch(`${service.url}/v1/track`, { method: 'OPTIONS', headers: { origin: 'https://shop.example', 'access-control-request-method': 'POST' } });
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
    const analytics = new Analytics({ writeKey: service.keys.writeKey, host: service.url, flushAt: 3, flushInterval: 50 });
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
    const analytics = new Analytics({ writeKey: 'wk_guessed', host: service.url, maxRetries: 0 });
    const failed = new Promise((resolve) => analytics.on('error', resolve));
    analytics.track({ userId: 'sdk', event: 'x' });
    await analytics.closeAndFlush();
    expect(await failed).toMatchObject({ code: 'delivery_failure' });
  });
});
