// Ingestion's doors over HTTP, on a database and a broker prefix of its own; what they append is read back.
import { ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { inboundEvents } from '@tributary/contracts/topics/inbound-events';
import { migrate } from '@tributary/postgres/migrate';
import { readConfig, ServiceConfig } from '@tributary/service/config';
import { ProblemFilter } from '@tributary/service/problem-filter';
import { openProcessLog } from '@tributary/service/service-providers';
import { toProblem } from '@tributary/service/validation';
import type { LogRecord } from '@tributary/stream/stage';
import { createTestBroker } from '@tributary/testing/test-broker';
import { createTestDatabase, type TestDatabase } from '@tributary/testing/test-database';
import { IngestionModule } from '../ingestion.module.js';
import { ingestionSchema } from '../schema.js';

export const SECRET = 'a secret of more than thirty-two characters';
export const OPERATOR_KEY = 'operator-key-of-the-tests';
/** Low enough to be reached by a test. */
const WRITE_KEY_EVENTS_PER_SECOND = '2000';

export class IngestionApp {
  /** Of a workspace that the tests share. */
  keys = { workspace: '', writeKey: '', adminKey: '' };

  private constructor(
    private readonly database: TestDatabase,
    readonly app: NestFastifyApplication,
    readonly url: string,
    /** The inlet so far. */
    readonly records: readonly LogRecord[],
    private readonly tail: { stop(): Promise<void> },
  ) {}

  static async start(): Promise<IngestionApp> {
    const database = await createTestDatabase({ template: { name: 'ingestion', prepare: (at) => migrate(at, [ingestionSchema], () => undefined) } });
    const broker = createTestBroker();
    Object.assign(process.env, { DATABASE_URL: database.url, KAFKA_BROKERS: broker.brokers.join(','), TOPIC_PREFIX: broker.prefix, TRIBUTARY_SECRET: SECRET, OPERATOR_KEY, WRITE_KEY_EVENTS_PER_SECOND });
    const log = await openProcessLog(readConfig(ServiceConfig));
    await log.ensureTopics([{ name: inboundEvents.name, partitions: 2, replicationFactor: 1, config: inboundEvents.config }]);
    // A topic that was just made may have no leader yet.
    for (let tries = 0; tries < 50 && !(await log.offsets(inboundEvents.name).catch(() => null)); tries++) await new Promise((resolve) => setTimeout(resolve, 100));
    const records: LogRecord[] = [];
    const tail = await log.tail({ topic: inboundEvents.name, from: 'start', onRecord: (record) => records.push(record) });
    const app = await NestFactory.create<NestFastifyApplication>(IngestionModule, new FastifyAdapter({ bodyLimit: 1_048_576, forceCloseConnections: true }), { logger: ['error', 'warn'], rawBody: true });
    app.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true, exceptionFactory: toProblem }));
    app.useGlobalFilters(new ProblemFilter());
    await app.listen(0, '127.0.0.1');
    const service = new IngestionApp(database, app, await app.getUrl(), records, tail);
    service.keys = (await (await service.send('/v1/workspaces', { name: 'Test' }, { authorization: `Bearer ${OPERATOR_KEY}` })).json()) as typeof service.keys;
    return service;
  }

  async stop(): Promise<void> {
    await this.app.close();
    await this.tail.stop();
    await (await openProcessLog(readConfig(ServiceConfig))).close();
    await this.database.drop();
  }

  /** @param body bytes and texts as they are, all else as JSON */
  send(path: string, body: unknown, headers: { [name: string]: string } = {}): Promise<Response> {
    const bytes = body instanceof Uint8Array || typeof body === 'string' ? body : JSON.stringify(body);
    return fetch(this.url + path, { method: 'POST', body: bytes as BodyInit, headers: { 'content-type': 'application/json', ...headers } });
  }
}

export const basic = (key: string) => ({ authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` });
