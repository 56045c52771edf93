import 'reflect-metadata';
import { createServer } from 'node:net';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import * as protoLoader from '@grpc/proto-loader';
import { ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Transport } from '@nestjs/microservices';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { readConfig, ServiceConfig } from '@tributary/service/config';
import { internalToken } from '@tributary/service/internal-token';
import { ProblemFilter } from '@tributary/service/problem-filter';
import { hashKey } from '@tributary/service/secrets';
import { openProcessLog } from '@tributary/service/service-providers';
import { toProblem } from '@tributary/service/validation';
import { createTestBroker } from '@tributary/testing/test-broker';
import { Announcements } from './announcements.postgres.js';
import { ConsentLedger } from './consent-ledger.postgres.js';
import { ConsentModule } from './consent.module.js';
import { RecordConsent } from './record-consent.js';
import { aProfile } from './testing/an-entry.js';
import { type ConsentDatabase, createConsentDatabase } from './testing/consent-database.js';
import { MiniStream } from './testing/mini-stream.js';

const WS = 'ws_a';
const ADMIN_KEY = 'ak_test_of_workspace_a';
const STRANGERS_KEY = 'ak_test_of_workspace_b';
const SECRET = 'a secret of thirty-two characters';
const PROTO = join(import.meta.dirname, '../../../libs/contracts/src/proto/consent.proto');
const LOADER = { keepCase: true, longs: Number, defaults: true, oneofs: true };
const KNOWN = aProfile(1);
const MERGED = aProfile(2);

let database: ConsentDatabase;
let stream: MiniStream;
let app: NestFastifyApplication;
let url: string;
let client: grpc.Client & { [method: string]: (request: object, metadata: grpc.Metadata, done: (error: grpc.ServiceError | null, answer: never) => void) => void };

// Real servers, on a machine that may be busy.
jest.setTimeout(60_000);

beforeAll(async () => {
  database = await createConsentDatabase();
  await seed();
  const broker = createTestBroker();
  Object.assign(process.env, { DATABASE_URL: database.url, KAFKA_BROKERS: broker.brokers.join(','), TOPIC_PREFIX: broker.prefix, TRIBUTARY_SECRET: SECRET, OPERATOR_KEY: 'ok_test_operator_key' });
  stream = new MiniStream(database, await openProcessLog(readConfig(ServiceConfig)));
  await stream.start();
  app = await NestFactory.create<NestFastifyApplication>(ConsentModule, new FastifyAdapter({ maxParamLength: 2_048 }), { logger: false });
  app.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true, exceptionFactory: toProblem }));
  app.useGlobalFilters(new ProblemFilter());
  const grpcUrl = `127.0.0.1:${await freePort()}`;
  app.connectMicroservice({ transport: Transport.GRPC, options: { package: 'tributary.consent.v1', protoPath: PROTO, url: grpcUrl, loader: LOADER } }, { inheritAppConfig: true });
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  url = await app.getUrl();
  const { tributary } = grpc.loadPackageDefinition(protoLoader.loadSync(PROTO, LOADER)) as unknown as { tributary: { consent: { v1: { Consent: new (...args: unknown[]) => typeof client } } } };
  client = new tributary.consent.v1.Consent(grpcUrl, grpc.credentials.createInsecure());
});

afterAll(async () => {
  client.close();
  await app.close();
  await stream.stop();
  await (await openProcessLog(readConfig(ServiceConfig))).close();
  await database.drop();
});

async function seed(): Promise<void> {
  const { pool } = database;
  await pool.query("insert into ingestion.workspaces_public values ('ws_a', 'A', 'UTC'), ('ws_b', 'B', 'UTC')");
  await pool.query("insert into ingestion.keys values ($1, 'admin', 'ws_a', null, true), ($2, 'admin', 'ws_b', null, true)", [hashKey(ADMIN_KEY), hashKey(STRANGERS_KEY)]);
  await pool.query("insert into ingestion.profile_survivors values ('ws_a', $1, $1), ('ws_a', $2, $1)", [KNOWN, MERGED]);
  await pool.query("insert into ingestion.profile_identifiers values ('ws_a', 'userId', 'known', $1)", [KNOWN]);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function request(method: string, path: string, body?: unknown, key: string | null = ADMIN_KEY): Promise<{ status: number; body: any }> { // eslint-disable-line @typescript-eslint/no-explicit-any
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { ...(key === null ? {} : { authorization: `Bearer ${key}` }), ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

const aConsent = (over: object = {}): object => ({ profile: 'userId:known', purpose: 'email_marketing', decision: 'granted', source: 'form', textVersion: '2026-01', ...over });

function call(method: string, message: object, headers: { [name: string]: string } = { authorization: `Bearer ${ADMIN_KEY}` }): Promise<object> {
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return new Promise((resolve) => client[method]!(message, metadata, (error, answer) => resolve(error === null ? answer : { status: grpc.status[error.code], code: error.metadata.get('problem-code')[0] })));
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 10_000; !(await condition()); ) {
    if (Date.now() > deadline) throw new Error('waited ten seconds in vain');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('POST /v1/consents', () => {
  test('answers with a receipt once the decision is in the ledger, and tells the stream of it', async () => {
    const { status, body } = await request('POST', '/v1/consents', aConsent({ proof: { page: '/signup' }, occurredAt: '2026-01-05T10:00:00.000Z', jurisdiction: 'GDPR' }));
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.any(String), profileId: KNOWN, purpose: 'email_marketing', decision: 'granted', occurredAt: '2026-01-05T10:00:00.000Z', recordedAt: expect.any(String),
      source: 'form', textVersion: '2026-01', jurisdiction: 'GDPR', proof: { page: '/signup' }, previous: null,
    });
    await until(() => stream.messages.some(({ message }) => message['messageId'] === `consent:${body.id}`));
    const { headers, message } = stream.messages.find((told) => told.message['messageId'] === `consent:${body.id}`)!;
    expect(headers).toMatchObject({ workspace: WS, 'profile-id': KNOWN, 'internal-signature': expect.any(String) });
    expect(message).toEqual({
      type: 'track', event: 'Consent Updated', messageId: `consent:${body.id}`, timestamp: '2026-01-05T10:00:00.000Z',
      properties: { purpose: 'email_marketing', decision: 'granted', occurredAt: '2026-01-05T10:00:00.000Z', receipt: body.id, source: 'form', textVersion: '2026-01', jurisdiction: 'GDPR' },
    });
    expect(await database.pool.query('select from consent.announcements where receipt = $1', [body.id])).toMatchObject({ rowCount: 0 });
  });

  test.each(['userId:new', 'email:New.Person@A.example', 'anonymousId:a-1', 'deviceId:d-1', 'loyaltyCard:77'])('makes the profile of %s, and keeps the evidence', async (profile) => {
    const { status, body } = await request('POST', '/v1/consents', aConsent({ profile, decision: 'withdrawn', proof: { page: '/out' } }));
    expect([status, body.decision, body.proof]).toEqual([201, 'withdrawn', { page: '/out' }]);
    const shown = await request('GET', `/v1/profiles/${encodeURIComponent(profile)}/consents`);
    expect(shown.body).toMatchObject({ current: { email_marketing: { decision: 'withdrawn', at: body.occurredAt } }, history: [{ id: body.id, profileId: body.profileId }], cursor: null });
    const { headers } = stream.messages.find(({ message }) => message['messageId'] === `consent:${body.id}`)!;
    expect(headers).not.toHaveProperty('profile-id');
  });

  test('what is decided now counts after all that was decided before, even at the same instant', async () => {
    const profile = 'userId:changes-mind';
    const receipts = [];
    for (const decision of ['granted', 'withdrawn', 'granted', 'withdrawn', 'granted']) receipts.push((await request('POST', '/v1/consents', aConsent({ profile, decision }))).body);
    expect((await request('GET', `/v1/profiles/${profile}/consents`)).body.current.email_marketing.decision).toBe('granted');
    expect(receipts.map(({ previous }) => previous)).toEqual([null, ...receipts.slice(0, -1).map(({ id }) => id)]);
  });

  test('a profile id that was merged means the survivor', async () => {
    expect((await request('POST', '/v1/consents', aConsent({ profile: MERGED }))).body.profileId).toBe(KNOWN);
  });

  test('answers 201 although the broker is slow, since the decision is committed', async () => {
    stream.stalled = true;
    expect((await request('POST', '/v1/consents', aConsent())).status).toBe(201);
    stream.stalled = false;
    stream.resume();
  });

  test('a new person’s decision that the stream does not take in in time is answered 503, and recorded later', async () => {
    stream.stalled = true;
    const ledger = new ConsentLedger(database.pool);
    const record = new RecordConsent({ find: () => Promise.resolve(null) }, ledger, app.get(Announcements), 150);
    const statement = { purpose: 'profiling', decision: 'withdrawn' as const, source: 'form', textVersion: '1', jurisdiction: null, proof: { kept: 1 }, occurredAt: null };
    await expect(record.record(WS, 'userId:patient', statement)).rejects.toMatchObject({ status: 503, code: 'not_recorded_yet', retryAfterSeconds: 5 });
    expect((await request('GET', '/v1/profiles/userId:patient/consents')).status).toBe(404);
    stream.stalled = false;
    stream.resume();
    await until(async () => (await request('GET', '/v1/profiles/userId:patient/consents')).status === 200);
    expect((await request('GET', '/v1/profiles/userId:patient/consents')).body.history).toEqual([expect.objectContaining({ decision: 'withdrawn', proof: { kept: 1 } })]);
  });

  test('a decision that could not be told is told by the sweep', async () => {
    const told: unknown[] = [];
    const broken = new Announcements(database.pool, { write: () => Promise.reject(new Error('no broker')) });
    const receipt = '33333333-3333-4333-8333-333333333333';
    const announcement = { workspace: WS, receipt, purpose: 'profiling', decision: 'granted' as const, occurredAtMs: 1, source: 'x', textVersion: null, jurisdiction: null, proof: null };
    await broken.add(announcement, { type: 'userId', value: 'swept' });
    await expect(broken.tell(WS, receipt)).rejects.toThrow('no broker');
    const working = new Announcements(database.pool, { write: async (messages) => void told.push(...messages) });
    expect([await working.sweep(), told]).toEqual([0, []]);
    await database.pool.query("update consent.announcements set created_at = now() - interval '1 minute' where receipt = $1", [receipt]);
    expect(await working.sweep()).toBe(1);
    expect(told).toEqual([expect.objectContaining({ key: 'userId:swept', message: expect.objectContaining({ userId: 'swept', messageId: `consent:${receipt}` }) })]);
    // Until it is in the ledger it may be told again.
    expect(await working.sweep()).toBe(1);
    await database.pool.query('delete from consent.announcements where receipt = $1', [receipt]);
  });

  test.each([
    [{ purpose: 'E-Mail' }, '/purpose'],
    [{ purpose: undefined }, '/purpose'],
    [{ decision: 'maybe' }, '/decision'],
    [{ source: undefined }, '/source'],
    [{ textVersion: '' }, '/textVersion'],
    [{ profile: undefined }, '/profile'],
    [{ occurredAt: 'yesterday' }, '/occurredAt'],
    [{ occurredAt: '2999-01-01T00:00:00Z' }, '/occurredAt'],
    [{ occurredAt: 5 }, '/occurredAt'],
    [{ proof: 'signed' }, '/proof'],
    [{ proof: { document: 'x'.repeat(17_000) } }, '/proof'],
    [{ proof: { text: 'a\u0000b' } }, '/proof'],
    [{ source: 'a\u0000b' }, '/source'],
    [{ profile: 'phone:nonsense' }, '/profile'],
    [{ profile: 'email:nonsense' }, '/profile'],
    [{ unknown: true }, '/unknown'],
  ])('refuses %j', async (over, pointer) => {
    const { status, body } = await request('POST', '/v1/consents', aConsent(over));
    expect([status, body.errors?.[0]?.pointer]).toEqual([422, pointer]);
  });

  test('answers 400 to a malformed reference and 404 to an id that nobody has', async () => {
    expect((await request('POST', '/v1/consents', aConsent({ profile: 'nobody' }))).status).toBe(400);
    expect((await request('POST', '/v1/consents', aConsent({ profile: aProfile(77) }))).status).toBe(404);
  });
});

describe('GET /v1/profiles/{ref}/consents', () => {
  test('answers with nothing for somebody who never decided, 404 for nobody', async () => {
    await database.pool.query("insert into ingestion.profile_survivors values ('ws_a', $1, $1)", [aProfile(5)]);
    expect(await request('GET', `/v1/profiles/${aProfile(5)}/consents`)).toEqual({ status: 200, body: { current: {}, history: [], cursor: null } });
    expect((await request('GET', '/v1/profiles/userId:nobody/consents')).status).toBe(404);
  });

  test('pages through the history', async () => {
    const profile = 'userId:pages';
    for (let round = 0; round < 3; round += 1) await request('POST', '/v1/consents', aConsent({ profile }));
    const first = (await request('GET', `/v1/profiles/${profile}/consents?limit=2`)).body;
    const second = (await request('GET', `/v1/profiles/${profile}/consents?limit=2&cursor=${first.cursor}`)).body;
    expect([first.history.length, second.history.length, second.cursor]).toEqual([2, 1, null]);
    expect(new Set([...first.history, ...second.history].map(({ id }) => id)).size).toBe(3);
    expect((await request('GET', `/v1/profiles/${profile}/consents?limit=0`)).status).toBe(400);
    expect((await request('GET', `/v1/profiles/${profile}/consents?cursor=x`)).status).toBe(400);
  });

  test('another workspace sees nothing, no key and a wrong key see less', async () => {
    expect((await request('GET', `/v1/profiles/${KNOWN}/consents`, undefined, STRANGERS_KEY)).status).toBe(404);
    expect((await request('GET', `/v1/profiles/${KNOWN}/consents`, undefined, null)).status).toBe(401);
    expect((await request('POST', '/v1/consents', aConsent(), 'ak_wrong')).status).toBe(401);
    expect((await request('PUT', '/v1/purposes/sms', { policy: 'opt-in' }, null)).status).toBe(401);
  });
});

describe('purposes', () => {
  test('begin with the defaults, and are defined and changed', async () => {
    expect(await request('PUT', '/v1/purposes/sms', { policy: 'opt-out' }, STRANGERS_KEY)).toEqual({ status: 200, body: { purpose: 'sms', policy: 'opt-out' } });
    await request('PUT', '/v1/purposes/profiling', { policy: 'opt-in' }, STRANGERS_KEY);
    await request('PUT', '/v1/purposes/sms', { policy: 'opt-in' }, STRANGERS_KEY);
    expect((await request('GET', '/v1/purposes', undefined, STRANGERS_KEY)).body).toEqual({
      purposes: [
        { purpose: 'behavioural_tracking', policy: 'opt-out' }, { purpose: 'data_sharing', policy: 'opt-in' }, { purpose: 'email_marketing', policy: 'opt-in' },
        { purpose: 'profiling', policy: 'opt-in' }, { purpose: 'sms', policy: 'opt-in' },
      ],
      cursor: null,
    });
    expect((await request('GET', '/v1/purposes')).body.purposes).toContainEqual({ purpose: 'profiling', policy: 'opt-out' });
  });

  test.each([['UPPER', { policy: 'opt-in' }, 400], ['sms', { policy: 'sometimes' }, 422], ['sms', {}, 422], ['sms', { policy: 'opt-in', more: 1 }, 422]])('refuse %s with %j', async (purpose, body, status) => {
    expect((await request('PUT', `/v1/purposes/${purpose}`, body)).status).toBe(status);
  });

  test('are no more than two hundred of a workspace’s own', async () => {
    await database.pool.query("insert into consent.purposes select 'ws_b', 'p' || n, 'opt-in' from generate_series(1, 300) n");
    expect(await request('PUT', '/v1/purposes/one-more', { policy: 'opt-in' }, STRANGERS_KEY)).toMatchObject({ status: 422, body: { code: 'too_many_purposes' } });
  });
});

describe('gRPC Consent', () => {
  const check = (profile: string, purpose: string, headers?: { [name: string]: string }) => call('Check', { profile, purpose }, headers);

  test('Check says what may be done and why, as of the last commit', async () => {
    const profile = 'userId:checked';
    await request('POST', '/v1/consents', aConsent({ profile }));
    expect(await check(profile, 'email_marketing')).toEqual({ allowed: true, reason: 'granted' });
    expect(await check(profile, 'data_sharing')).toEqual({ allowed: false, reason: 'not_granted' });
    expect(await check(profile, 'behavioural_tracking')).toEqual({ allowed: true, reason: 'allowed_by_policy' });
    await request('POST', '/v1/consents', aConsent({ profile, decision: 'withdrawn' }));
    expect(await check(profile, 'email_marketing')).toEqual({ allowed: false, reason: 'withdrawn' });
  });

  test('Record takes a decision as HTTP does', async () => {
    const profile = 'userId:unsubscribes';
    await request('POST', '/v1/consents', aConsent({ profile }));
    expect(await call('Record', { profile, purpose: 'email_marketing', decision: 'withdrawn', source: 'one-click-unsubscribe' })).toEqual({ receipt: expect.any(String) });
    expect(await check(profile, 'email_marketing')).toEqual({ allowed: false, reason: 'withdrawn' });
    expect(await call('Record', { profile, purpose: 'email_marketing', decision: 'x', source: 'y' })).toEqual({ status: 'INVALID_ARGUMENT', code: 'malformed_decision' });
    expect(await call('Record', { profile, purpose: 'email_marketing', decision: 'granted' })).toEqual({ status: 'INVALID_ARGUMENT', code: 'malformed_source' });
  });

  test('another of our services asks with an internal token, for the workspace it was made for', async () => {
    const headers = (tokenFor: string, workspace: string) => ({ authorization: `Bearer ${internalToken(SECRET, tokenFor, Date.now())}`, workspace });
    expect(await check(KNOWN, 'profiling', headers(WS, WS))).toEqual({ allowed: true, reason: 'allowed_by_policy' });
    expect(await check(KNOWN, 'profiling', headers('ws_b', WS))).toEqual({ status: 'UNAUTHENTICATED', code: 'unauthorized' });
    expect(await check(KNOWN, 'profiling', headers('ws_b', 'ws_b'))).toEqual({ status: 'NOT_FOUND', code: 'not_found' });
    expect(await check(KNOWN, 'profiling', { authorization: `Bearer ${internalToken('another secret of 32 characters!', WS, Date.now())}`, workspace: WS })).toMatchObject({ status: 'UNAUTHENTICATED' });
    expect(await check(KNOWN, 'profiling', { authorization: headers(WS, WS).authorization })).toMatchObject({ status: 'UNAUTHENTICATED' });
  });

  test('an internal token opens nothing over HTTP', async () => {
    expect((await request('GET', '/v1/purposes', undefined, internalToken(SECRET, WS, Date.now()))).status).toBe(401);
  });

  test('no key, an unknown profile, a malformed purpose: each its status', async () => {
    expect(await check(KNOWN, 'profiling', {})).toEqual({ status: 'UNAUTHENTICATED', code: 'unauthorized' });
    expect(await check('userId:nobody', 'profiling')).toEqual({ status: 'NOT_FOUND', code: 'not_found' });
    expect(await check(KNOWN, 'UPPER')).toEqual({ status: 'INVALID_ARGUMENT', code: 'malformed_purpose' });
    expect(await check('', 'profiling')).toMatchObject({ status: 'INVALID_ARGUMENT' });
  });
});
