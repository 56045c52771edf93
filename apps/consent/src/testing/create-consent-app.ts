// The consent service's doors over HTTP and gRPC, on a database and a broker prefix of its own.
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
import { ProblemFilter } from '@tributary/service/problem-filter';
import { hashKey } from '@tributary/service/secrets';
import { openProcessLog } from '@tributary/service/service-providers';
import { toProblem } from '@tributary/service/validation';
import { createTestBroker } from '@tributary/testing/test-broker';
import { ConsentModule } from '../consent.module.js';
import { aProfile } from './an-entry.js';
import { type ConsentDatabase, createConsentDatabase } from './consent-database.js';
import { MiniStream } from './mini-stream.js';

export const WS = 'ws_a';
export const ADMIN_KEY = 'ak_test_of_workspace_a';
export const STRANGERS_KEY = 'ak_test_of_workspace_b';
export const SECRET = 'a secret of thirty-two characters';
/** Has the userId `known`. */
export const KNOWN = aProfile(1);
/** Was merged into `KNOWN`. */
export const MERGED = aProfile(2);
const PROTO = join(import.meta.dirname, '../../../../libs/contracts/src/proto/consent.proto');
const LOADER = { keepCase: true, longs: Number, defaults: true, oneofs: true };

type ConsentClient = grpc.Client & { [method: string]: (request: object, metadata: grpc.Metadata, done: (error: grpc.ServiceError | null, answer: never) => void) => void };

export interface Answer {
  readonly status: number;
  readonly body: any; // eslint-disable-line @typescript-eslint/no-explicit-any
}

export class ConsentApp {
  private constructor(
    readonly database: ConsentDatabase,
    readonly stream: MiniStream,
    readonly app: NestFastifyApplication,
    private readonly url: string,
    private readonly client: ConsentClient,
  ) {}

  static async start(): Promise<ConsentApp> {
    const database = await createConsentDatabase();
    await seed(database);
    const broker = createTestBroker();
    Object.assign(process.env, { DATABASE_URL: database.url, KAFKA_BROKERS: broker.brokers.join(','), TOPIC_PREFIX: broker.prefix, TRIBUTARY_SECRET: SECRET, OPERATOR_KEY: 'ok_test_operator_key' });
    const stream = new MiniStream(database, await openProcessLog(readConfig(ServiceConfig)));
    await stream.start();
    const app = await NestFactory.create<NestFastifyApplication>(ConsentModule, new FastifyAdapter({ maxParamLength: 2_048 }), { logger: false });
    app.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true, exceptionFactory: toProblem }));
    app.useGlobalFilters(new ProblemFilter());
    const grpcUrl = `127.0.0.1:${await freePort()}`;
    app.connectMicroservice({ transport: Transport.GRPC, options: { package: 'tributary.consent.v1', protoPath: PROTO, url: grpcUrl, loader: LOADER } }, { inheritAppConfig: true });
    await app.startAllMicroservices();
    await app.listen(0, '127.0.0.1');
    const { tributary } = grpc.loadPackageDefinition(protoLoader.loadSync(PROTO, LOADER)) as unknown as { tributary: { consent: { v1: { Consent: new (...args: unknown[]) => ConsentClient } } } };
    return new ConsentApp(database, stream, app, await app.getUrl(), new tributary.consent.v1.Consent(grpcUrl, grpc.credentials.createInsecure()));
  }

  async stop(): Promise<void> {
    this.client.close();
    await this.app.close();
    await this.stream.stop();
    await (await openProcessLog(readConfig(ServiceConfig))).close();
    await this.database.drop();
  }

  /** @param key null: without one */
  async request(method: string, path: string, body?: unknown, key: string | null = ADMIN_KEY): Promise<Answer> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { ...(key === null ? {} : { authorization: `Bearer ${key}` }), ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  }

  /** Over gRPC; a refusal as its status and our code. */
  call(method: string, message: object, headers: { [name: string]: string } = { authorization: `Bearer ${ADMIN_KEY}` }): Promise<object> {
    const metadata = new grpc.Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    return new Promise((resolve) => this.client[method]!(message, metadata, (error, answer) => resolve(error === null ? answer : { status: grpc.status[error.code], code: error.metadata.get('problem-code')[0] })));
  }
}

export const aConsent = (over: object = {}): object => ({ profile: 'userId:known', purpose: 'email_marketing', decision: 'granted', source: 'form', textVersion: '2026-01', ...over });

async function seed({ pool }: ConsentDatabase): Promise<void> {
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
