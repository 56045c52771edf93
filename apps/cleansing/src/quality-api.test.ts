import 'reflect-metadata';
import { ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { readConfig, ServiceConfig } from '@tributary/service/config';
import { ProblemFilter } from '@tributary/service/problem-filter';
import { hashKey } from '@tributary/service/secrets';
import { openProcessLog } from '@tributary/service/service-providers';
import { toProblem } from '@tributary/service/validation';
import { createTestBroker } from '@tributary/testing/test-broker';
import { CleansingModule } from './cleansing.module.js';
import { CleansingStage } from './cleansing.stage.js';
import { anEvent, anIdentify } from './testing/an-entry.js';
import { type CleansingDatabase, createCleansingDatabase } from './testing/cleansing-database.js';
import { worldKnowledge } from './world-knowledge.js';

const ADMIN_KEY = 'ak_test_of_workspace_a';
let database: CleansingDatabase;
let app: NestFastifyApplication;
let url: string;

// Real servers, on a machine that may be busy.
jest.setTimeout(60_000);

beforeAll(async () => {
  database = await createCleansingDatabase();
  await database.pool.query("insert into ingestion.keys values ($1, 'admin', 'ws_a', null, true), ($2, 'admin', 'ws_b', null, true)", [hashKey(ADMIN_KEY), hashKey('ak_stranger')]);
  const times = [-3, -2, -1];
  const now = Date.now();
  const { writes } = await new CleansingStage(worldKnowledge).decide([...times.map((timestampMs) => anEvent({ timestampMs, messageId: `at${timestampMs}`, appendedAtMs: now })), anIdentify({ email: 'x' }, { appendedAtMs: now }), anEvent({ name: '', messageId: 'nameless', appendedAtMs: now })]);
  await database.commit(writes!);
  const broker = createTestBroker();
  Object.assign(process.env, { DATABASE_URL: database.url, KAFKA_BROKERS: broker.brokers.join(','), TOPIC_PREFIX: broker.prefix, TRIBUTARY_SECRET: 'a secret of thirty-two characters', OPERATOR_KEY: 'ok_test_operator_key' });
  app = await NestFactory.create<NestFastifyApplication>(CleansingModule, new FastifyAdapter(), { logger: false });
  app.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true, exceptionFactory: toProblem }));
  app.useGlobalFilters(new ProblemFilter());
  await app.listen(0, '127.0.0.1');
  url = await app.getUrl();
});

afterAll(async () => {
  await app.close();
  await (await openProcessLog(readConfig(ServiceConfig))).close();
  await database.drop();
});

async function get(path: string, key: string | null = ADMIN_KEY): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${url}${path}`, key === null ? {} : { headers: { authorization: `Bearer ${key}` } });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe('GET /v1/quality', () => {
  test('counts by day and reason, for the own workspace', async () => {
    const day = new Date().toISOString().slice(0, 10);
    expect((await get('/v1/quality')).body).toEqual({
      quality: [{ day, reason: 'implausible_time', count: 3 }, { day, reason: 'invalid_email', count: 1 }, { day, reason: 'missing_name', count: 1 }], cursor: null,
    });
    expect((await get('/v1/quality', 'ak_stranger')).body).toEqual({ quality: [], cursor: null });
    expect((await get('/v1/quality?since=2999-01-01')).body).toEqual({ quality: [], cursor: null });
  });

  test.each(['yesterday', '2026-13-01', '2026-02-30', '2026-1-1'])('refuses since=%s', async (since) => {
    expect((await get(`/v1/quality?since=${since}`)).status).toBe(400);
  });
});

describe('GET /v1/quarantine', () => {
  test('lists newest first, page by page, with what was wrong', async () => {
    const first = (await get('/v1/quarantine?limit=3')).body as { quarantine: { messageId: string }[]; counts: object; cursor: string };
    const second = (await get(`/v1/quarantine?limit=3&cursor=${first.cursor}`)).body as typeof first;
    expect([...first.quarantine, ...second.quarantine].map(({ messageId }) => messageId)).toEqual(['nameless', 'at-1', 'at-2', 'at-3']);
    expect([first.counts, second.cursor]).toEqual([{ implausible_time: 3, missing_name: 1 }, null]);
    expect(second.quarantine[0]).toEqual({
      messageId: 'at-3', profileId: expect.any(String), type: 'track', name: 'Product Viewed', reason: 'implausible_time', pointer: '/timestamp',
      timestamp: '1969-12-31T23:59:59.997Z', appendedAt: expect.any(String),
    });
  });

  test('of one reason', async () => {
    expect((await get('/v1/quarantine?reason=missing_name')).body).toMatchObject({ quarantine: [{ messageId: 'nameless' }], cursor: null });
  });

  test('needs the admin key, and shows another workspace nothing', async () => {
    expect((await get('/v1/quarantine', null)).status).toBe(401);
    expect((await get('/v1/quarantine', 'ak_wrong')).status).toBe(401);
    expect((await get('/v1/quarantine', 'ak_stranger')).body).toEqual({ quarantine: [], counts: {}, cursor: null });
    expect((await get('/v1/quarantine?limit=1001')).status).toBe(400);
    expect((await get('/v1/quarantine?cursor=%7B')).status).toBe(400);
  });
});
