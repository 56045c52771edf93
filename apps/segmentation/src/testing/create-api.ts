import { createServer } from 'node:net';
import { join } from 'node:path';
import { ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Transport } from '@nestjs/microservices';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { readConfig, ServiceConfig } from '@tributary/service/config';
import { ProblemFilter } from '@tributary/service/problem-filter';
import { hashKey } from '@tributary/service/secrets';
import { openProcessLog } from '@tributary/service/service-providers';
import { toProblem } from '@tributary/service/validation';
import type { Log } from '@tributary/stream/log';
import { createTestBroker } from '@tributary/testing/test-broker';
import { SegmentationModule } from '../segmentation.module.js';
import { SECRET } from './fold-driver.js';
import { createSegmentationDatabase, type SegmentationDatabase } from './segmentation-database.js';

export const ADMIN_KEY = 'ak_test_of_workspace_a';
export const STRANGERS_KEY = 'ak_test_of_workspace_b';

const PROTO = join(import.meta.dirname, '../../../../libs/contracts/src/proto/segmentation.proto');
const LOADER = { keepCase: true, longs: Number, defaults: true, oneofs: true };

export interface Answer {
  readonly status: number;
  readonly body: any; // eslint-disable-line @typescript-eslint/no-explicit-any
}

/** The service's doors over HTTP and gRPC, on a database and a broker prefix of its own; its stage does not run. */
export class RunningApi {
  private constructor(readonly database: SegmentationDatabase, readonly log: Log, private readonly app: NestFastifyApplication, readonly url: string, readonly grpcUrl: string) {}

  static async start(): Promise<RunningApi> {
    const database = await createSegmentationDatabase();
    await database.pool.query("insert into ingestion.workspaces_public values ('ws_a', 'A', 'UTC'), ('ws_b', 'B', 'UTC')");
    await database.pool.query("insert into ingestion.keys values ($1, 'admin', 'ws_a', null, true), ($2, 'admin', 'ws_b', null, true)", [hashKey(ADMIN_KEY), hashKey(STRANGERS_KEY)]);
    const broker = createTestBroker();
    Object.assign(process.env, { DATABASE_URL: database.url, KAFKA_BROKERS: broker.brokers.join(','), TOPIC_PREFIX: broker.prefix, TRIBUTARY_SECRET: SECRET, OPERATOR_KEY: 'ok_test_operator_key', PARTITIONS: '1' });
    const log = await openProcessLog(readConfig(ServiceConfig));
    const app = await NestFactory.create<NestFastifyApplication>(SegmentationModule, new FastifyAdapter({ maxParamLength: 2_048 }), { logger: false, rawBody: true });
    app.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true, exceptionFactory: toProblem }));
    app.useGlobalFilters(new ProblemFilter());
    const grpcUrl = `127.0.0.1:${await freePort()}`;
    app.connectMicroservice({ transport: Transport.GRPC, options: { package: 'tributary.segmentation.v1', protoPath: PROTO, url: grpcUrl, loader: LOADER } }, { inheritAppConfig: true });
    await app.startAllMicroservices();
    await app.listen(0, '127.0.0.1');
    return new RunningApi(database, log, app, await app.getUrl(), grpcUrl);
  }

  async request(method: string, path: string, body?: unknown, { key = ADMIN_KEY, type = 'application/json' } = {}): Promise<Answer> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': type }) },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? null : (JSON.parse(text) as unknown) };
  }

  async stop(): Promise<void> {
    await this.app.close();
    await this.log.close();
    await this.database.drop();
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
