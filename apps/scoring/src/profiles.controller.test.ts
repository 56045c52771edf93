import 'reflect-metadata';
import { createServer } from 'node:net';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import * as protoLoader from '@grpc/proto-loader';
import { Module, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Transport } from '@nestjs/microservices';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Entry } from '@tributary/contracts/entry';
import { standardEngagement } from '@tributary/domain/scoring/score-model';
import { AdminKeyGuard, AdminKeyLimit } from '@tributary/service/admin-key-guard';
import { CallerGuard } from '@tributary/service/caller-guard';
import { ServiceConfig } from '@tributary/service/config';
import { KeyDirectory } from '@tributary/service/key-directory';
import { ProblemFilter } from '@tributary/service/problem-filter';
import { ProfileDirectory } from '@tributary/service/profile-directory';
import { hashKey } from '@tributary/service/secrets';
import { ServicePool } from '@tributary/service/service-pool';
import { toProblem } from '@tributary/service/validation';
import { ProfileStorePostgres } from './profile-store.postgres.js';
import { ProfilesController } from './profiles.controller.js';
import { ProfilesGrpcController } from './profiles-grpc.controller.js';
import { scoringProviders } from './scoring.module.js';
import { ScoringStage } from './scoring.stage.js';
import { ADA, aMail, aMerge, anEntry, anIdentify, aPageView, BOB, CLEO, NOON_MS, transferOf, WORKSPACE } from './testing/an-entry.js';
import { FoldDriver } from './testing/drive-fold.js';
import { createScoringDatabase, type ScoringDatabase } from './testing/scoring-database.js';

const ADMIN_KEY = 'ak_test';
const STRANGERS_KEY = 'ak_stranger';
const SECRET = 'a secret of thirty-two characters';
const PROTO = join(import.meta.dirname, '../../../libs/contracts/src/proto/scoring.proto');
const LOADER = { keepCase: true, longs: Number, defaults: true, oneofs: true };

let database: ScoringDatabase;
let app: NestFastifyApplication;
let url: string;
let client: grpc.Client & { [method: string]: (request: object, metadata: grpc.Metadata, done: (error: grpc.ServiceError | null, answer: never) => void) => void };

beforeAll(async () => {
  database = await createScoringDatabase();
  await seed();
  const servicePool = new ServicePool({ url: database.url, service: 'scoring', max: 2 });
  @Module({
    controllers: [ProfilesController, ProfilesGrpcController],
    providers: [
      { provide: ServicePool, useValue: servicePool },
      { provide: ServiceConfig, useValue: { TRIBUTARY_SECRET: SECRET } },
      { provide: KeyDirectory, useFactory: () => new KeyDirectory(servicePool.pool) },
      { provide: ProfileDirectory, useFactory: () => new ProfileDirectory(servicePool.pool) },
      { provide: 'close', useValue: { onApplicationShutdown: () => servicePool.close() } },
      { provide: AdminKeyLimit, useValue: new AdminKeyLimit({ perSecond: 0, burst: 0 }) }, AdminKeyGuard, CallerGuard, ...scoringProviders,
    ],
  })
  class Doors {}
  app = await NestFactory.create<NestFastifyApplication>(Doors, new FastifyAdapter({ maxParamLength: 2_048 }), { logger: false });
  app.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true, exceptionFactory: toProblem }));
  app.useGlobalFilters(new ProblemFilter());
  const grpcUrl = `127.0.0.1:${await freePort()}`;
  app.connectMicroservice({ transport: Transport.GRPC, options: { package: 'tributary.scoring.v1', protoPath: PROTO, url: grpcUrl, loader: LOADER } }, { inheritAppConfig: true });
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  url = await app.getUrl();
  const { tributary } = grpc.loadPackageDefinition(protoLoader.loadSync(PROTO, LOADER)) as unknown as { tributary: { scoring: { v1: { Profiles: new (...args: unknown[]) => typeof client } } } };
  client = new tributary.scoring.v1.Profiles(grpcUrl, grpc.credentials.createInsecure());
});

afterAll(async () => {
  client.close();
  await app.close();
  await database.drop();
});

/** Ada, into whom Bob was merged, and Cleo, of whom nothing but a name is known. */
async function seed(): Promise<void> {
  const driver = new FoldDriver(new ScoringStage(new ProfileStorePostgres(database.pool), () => standardEngagement));
  driver.apply(
    anIdentify({ plan: 'pro', address: { city: 'Ulm' }, tags: ['a', 1, null], age: 36, vip: true }, { messageId: 'identify' }),
    aMail('Email Delivered', 'm', { messageId: 'delivered', appendedAtMs: NOON_MS + 1_000 }),
    aMail('Email Opened', 'm', { messageId: 'opened', appendedAtMs: NOON_MS + 2_000 }),
    aPageView({ messageId: 'view', timestampMs: NOON_MS + 2_500, appendedAtMs: NOON_MS + 3_000, body: { name: 'Home', timestamp: '2026-11-23T12:00:09.000Z', properties: { path: '/' } } }),
    aPageView({ messageId: 'bob', profileId: BOB, appendedAtMs: NOON_MS - 3_600_000 }),
    ...aMerge(BOB, ADA, NOON_MS + 4_000),
    anEntry({ profileId: CLEO, messageId: 'cleo', name: 'Signed Up' }),
  );
  await database.commit(await driver.save());
  driver.apply(transferOf(driver.forwarded.find(({ kind }) => kind === 'merged') as Entry, NOON_MS + 5_000));
  await database.commit(await driver.save());
  const { pool } = database;
  await pool.query('insert into ingestion.keys values ($1, $2, $3, null, true), ($4, $2, $5, null, true)', [hashKey(ADMIN_KEY), 'admin', WORKSPACE, hashKey(STRANGERS_KEY), 'ws_other']);
  await pool.query(`insert into ingestion.profile_identifiers values ($1, 'userId', '42', $2), ($1, 'email', 'ada@example.com', $2), ($1, 'userId', 'cleo', $3), ($1, 'userId', 'nobody', $4)`, [
    WORKSPACE, ADA, CLEO, 'f0000000-0000-4000-8000-00000000000f',
  ]);
  await pool.query('insert into ingestion.profile_survivors values ($1, $2, $2), ($1, $3, $2), ($1, $4, $4)', [WORKSPACE, ADA, BOB, CLEO]);
}

async function get(path: string, key: string | null = ADMIN_KEY): Promise<{ status: number; body: never }> {
  const response = await fetch(`${url}/v1/profiles${path}`, { headers: key === null ? {} : { authorization: `Bearer ${key}` } });
  return { status: response.status, body: (await response.json()) as never };
}

function call(method: string, request: object, key = ADMIN_KEY): Promise<never> {
  const metadata = new grpc.Metadata();
  metadata.set('authorization', `Bearer ${key}`);
  return new Promise((resolve, reject) => client[method]?.(request, metadata, (error, answer) => (error === null ? resolve(answer) : reject(error))));
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

const ada = {
  id: ADA,
  identifiers: [{ type: 'email', value: 'ada@example.com' }, { type: 'userId', value: '42' }],
  traits: { plan: 'pro', address: { city: 'Ulm' }, tags: ['a', 1, null], age: 36, vip: true },
  computed: {
    events_count: 4, orders_count: 0, first_seen_at: '2026-11-23T11:00:00.000Z', first_event: 'page', last_seen_at: '2026-11-23T12:00:02.500Z', last_event: 'page',
  },
  scores: { engagement: 46 },
  cluster: null,
  createdAt: '2026-11-23T11:00:00.000Z',
  updatedAt: '2026-11-23T12:00:05.000Z',
};

describe('GET /v1/profiles/{ref}', () => {
  test.each([ADA, 'userId:42', 'userId%3A42', 'email:ADA@example.com'])('answers %s with the profile', async (ref) => {
    expect(await get(`/${ref}`)).toEqual({ status: 200, body: ada });
  });

  test('answers the id of a merged profile with the survivor', async () => {
    expect(await get(`/${BOB}`)).toEqual({ status: 200, body: ada });
  });

  test('is 404 for who is unknown, known to ingestion alone, or of another workspace', async () => {
    for (const [ref, key] of [['userId:nobody-here', ADMIN_KEY], ['userId:nobody', ADMIN_KEY], ['f0000000-0000-4000-8000-00000000000f', ADMIN_KEY], [ADA, STRANGERS_KEY]] as const) {
      expect(await get(`/${ref}`, key)).toMatchObject({ status: 404, body: { code: 'not_found', status: 404 } });
    }
  });

  test('is 400 for what is no reference, 401 without a key or with a wrong one', async () => {
    for (const ref of ['ada', 'userId:%00', 'userId:']) expect(await get(`/${ref}`)).toMatchObject({ status: 400, body: { code: 'malformed_ref' } });
    expect(await get(`/${ADA}`, null)).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
    expect(await get(`/${ADA}`, 'nonsense')).toMatchObject({ status: 401 });
  });
});

describe('GET /v1/profiles/{ref}/events', () => {
  test('lists events newest first, page by page, those of merged profiles among them', async () => {
    const ids: string[] = [];
    let cursor: string | null = '';
    let pages = 0;
    while (cursor !== null) {
      const { body } = (await get(`/userId:42/events?limit=2&cursor=${cursor}`)) as unknown as { body: { events: { messageId: string }[]; cursor: string | null } };
      ids.push(...body.events.map(({ messageId }) => messageId));
      cursor = body.cursor;
      pages++;
    }
    expect(ids).toEqual(['view', 'opened', 'delivered', 'identify', 'bob']);
    expect(pages).toBe(3);
  });

  test('shows an event as it was sent, with the time that counts', async () => {
    const { body } = (await get(`/${ADA}/events?limit=1`)) as unknown as { body: { events: object[] } };
    expect(body.events).toEqual([{
      messageId: 'view', type: 'page', name: 'Home', properties: { path: '/' },
      timestamp: '2026-11-23T12:00:02.500Z', originalTimestamp: '2026-11-23T12:00:09.000Z', appendedAt: '2026-11-23T12:00:03.000Z',
    }]);
  });

  test('refuses limits and cursors that are not ours', async () => {
    expect(await get(`/${ADA}/events?limit=0`)).toMatchObject({ status: 400, body: { code: 'malformed_limit' } });
    expect(await get(`/${ADA}/events?limit=1001`)).toMatchObject({ status: 400 });
    const foreign = [['x', 1], [1.5, 'x'], [1, 'x\u0000']].map((key) => Buffer.from(JSON.stringify(key)).toString('base64url'));
    for (const cursor of ['abc', ...foreign]) expect(await get(`/${ADA}/events?cursor=${cursor}`)).toMatchObject({ status: 400, body: { code: 'malformed_cursor' } });
    expect(await get(`/userId:nobody-here/events`)).toMatchObject({ status: 404 });
  });
});

describe('GET /v1/profiles', () => {
  test('lists profiles in the order of ids, without merged ones', async () => {
    const { body } = (await get('?limit=1')) as unknown as { body: { profiles: { id: string }[]; cursor: string } };
    expect(body.profiles).toEqual([ada]);
    expect(await get(`?limit=1&cursor=${body.cursor}`)).toMatchObject({ status: 200, body: { profiles: [{ id: CLEO, scores: { engagement: 0 } }], cursor: null } });
    expect(await get('', STRANGERS_KEY)).toEqual({ status: 200, body: { profiles: [], cursor: null } });
  });

  test('finds profiles by an identifier, with its type or without, and by id', async () => {
    for (const q of ['42', 'userId:42', 'ada@example.com', ADA, BOB]) expect(await get(`?q=${encodeURIComponent(q)}`)).toEqual({ status: 200, body: { profiles: [ada], cursor: null } });
    for (const q of ['43', 'a:', '%00', 'x'.repeat(1_000)]) expect(await get(`?q=${q}`)).toEqual({ status: 200, body: { profiles: [], cursor: null } });
  });

  test('refuses parameters that do not exist', async () => {
    expect(await get('?page=2')).toMatchObject({ status: 422 });
    expect(await get('?cursor=WyJub3QgYW4gaWQiXQ')).toMatchObject({ status: 400, body: { code: 'malformed_cursor' } });
  });
});

test('GET /v1/profiles/{ref}/scores/engagement says what the score is made of and when it changes', async () => {
  expect(await get('/userId:42/scores/engagement')).toEqual({
    status: 200,
    body: {
      score: 46, delivered: 1, opened: 1, clicked: 0, sessions: 2, asOf: '2026-11-23T12:00:05.000Z', changesAt: '2026-11-30T11:00:00.000Z', awaiting: [], approximate: false,
    },
  });
  expect(await get('/userId:cleo/scores/engagement')).toMatchObject({ status: 200, body: { score: 0, changesAt: null } });
  expect(await get('/userId:42/scores/other')).toMatchObject({ status: 404 });
});

describe('gRPC tributary.scoring.v1.Profiles', () => {
  test('Get answers the profile', async () => {
    expect(await call('Get', { profile: 'userId:42' })).toMatchObject({
      id: ADA, identifiers: ada.identifiers, scores: ada.scores, cluster: '', created_at: ada.createdAt, updated_at: ada.updatedAt,
      traits: { fields: {
        plan: { stringValue: 'pro' }, age: { numberValue: 36 }, vip: { boolValue: true },
        address: { structValue: { fields: { city: { stringValue: 'Ulm' } } } },
        tags: { listValue: { values: [{ stringValue: 'a' }, { numberValue: 1 }, { nullValue: 0 }] } },
      } },
    });
  });

  test('BatchGet answers in the order of the request, also where somebody is unknown', async () => {
    const { answers } = await call('BatchGet', { profiles: ['userId:cleo', 'userId:nobody-here', BOB, ADA] }) as { answers: { found: boolean; profile: { id: string } | null }[] };
    expect(answers.map(({ found, profile }) => [found, profile?.id])).toEqual([[true, CLEO], [false, undefined], [true, ADA], [true, ADA]]);
  });

  test('ScoreCurve answers the future of the score by time alone', async () => {
    expect(await call('ScoreCurve', { profile: ADA, score: 'engagement' })).toEqual({
      steps: [
        { from_ms: NOON_MS + 5_000, score: 46_000_000 },
        { from_ms: NOON_MS - 3_600_000 + 7 * 86_400_000, score: 43_000_000 },
        { from_ms: NOON_MS + 2_500 + 7 * 86_400_000, score: 40_000_000 },
        { from_ms: NOON_MS + 1_000 + 30 * 86_400_000, score: 0 },
      ],
      awaiting: [],
      approximate: false,
    });
  });

  test('answers who is unknown, what is malformed and who has no key with their statuses', async () => {
    await expect(call('Get', { profile: 'userId:nobody-here' })).rejects.toMatchObject({ code: grpc.status.NOT_FOUND });
    await expect(call('ScoreCurve', { profile: ADA, score: 'other' })).rejects.toMatchObject({ code: grpc.status.NOT_FOUND });
    await expect(call('Get', { profile: '' })).rejects.toMatchObject({ code: grpc.status.INVALID_ARGUMENT });
    await expect(call('BatchGet', { profiles: Array.from({ length: 1_001 }, () => ADA) })).rejects.toMatchObject({ code: grpc.status.INVALID_ARGUMENT });
    await expect(call('Get', { profile: ADA }, 'nonsense')).rejects.toMatchObject({ code: grpc.status.UNAUTHENTICATED });
  });
});
