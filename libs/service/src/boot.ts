import 'reflect-metadata';
import { join } from 'node:path';
import { ReflectionService } from '@grpc/reflection';
import { type INestApplication, type Type, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type MicroserviceOptions, Transport } from '@nestjs/microservices';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { COMPACT_ROLE } from '@tributary/postgres/migrate';
import { createPool, type Pool } from '@tributary/postgres/pool';
import { canFollow } from '@tributary/stream/chain';
import { drainBetween } from '@tributary/stream/drain';
import { Line } from '@tributary/stream/line';
import type { LineObserver, LineOptions } from '@tributary/stream/line-options';
import type { Stage } from '@tributary/stream/stage';
import { StageTransport } from '@tributary/stream/stage-transport';
import { readConfig, portOf, ServiceConfig } from './config.js';
import { addHealth } from './health.js';
import { log } from './log.js';
import { batchFailures, batchRecords, batchSeconds, ownershipLost, stageEndings, stageWatermark } from './metrics.js';
import { ProblemFilter } from './problem-filter.js';
import { openProcessLog } from './service-providers.js';
import { toProblem } from './validation.js';

/** A service as a process hosts it. */
export interface ServiceApp {
  readonly name: string;
  readonly module: Type;
  readonly http: { readonly variable: string; readonly port: number };
  readonly grpc?: { readonly variable: string; readonly port: number; readonly package: string; readonly proto: string };
}

const BODY_BYTES_MAX = 1_048_576;
const REQUEST_TIMEOUT_MS = 30_000;
const LINE_CONNECTIONS_MAX = 4;
/** Profiles kept in memory by each keyed stage. More of them save look-ups, and cost pauses: the collector walks through all. */
const STATES_MAX = Number(process.env['STATES_MAX'] ?? 10_000);
const PROTO_DIR = join(import.meta.dirname, '../../contracts/src/proto');

/**
 * Starts one service, or several neighbours chained in one process: HTTP and gRPC doors of each, and one line for the
 * stages of all. Ends on SIGTERM or SIGINT after the batch in hand; exits with 1 when the line cannot go on.
 */
export async function bootServices(services: readonly ServiceApp[]): Promise<void> {
  const name = services.length === 1 ? (services[0] as ServiceApp).name : services.map((service) => service.name).join('+');
  process.env['SERVICE_NAME'] ??= name;
  const config = readConfig(ServiceConfig);
  const stages: Stage[] = [];
  const lines: Line[] = [];
  const apps: INestApplication[] = [];
  for (const service of services) apps.push(await startApp(service, config, (stage) => stages.push(stage), () => lines));

  const pool = createPool({ url: config.DATABASE_URL, role: services.length === 1 ? `tributary_${name}` : COMPACT_ROLE, name: `${name}:line`, max: LINE_CONNECTIONS_MAX, keyed: true });
  for (const chain of chainsOf(stages)) lines.push(await startLine(chain, pool, config));
  for (const line of lines) nudges.add(() => line.nudge());
  log.info({ services: services.map((service) => service.name), lines: lines.map((line) => line.name) }, 'started');
  onSignal(() => stop(lines, apps, pool, config));
}

/** Called by a service when something outside the log is to be done soon (a definition changed). */
export function nudgeLines(): void {
  for (const nudge of nudges) nudge();
}

const nudges = new Set<() => void>();

/** Neighbours that can share a process are chained; a stage that cannot follow begins a chain of its own. */
function chainsOf(stages: readonly Stage[]): [Stage, ...Stage[]][] {
  const chains: [Stage, ...Stage[]][] = [];
  for (const stage of stages) {
    const chain = chains[chains.length - 1];
    if (chain !== undefined && canFollow(chain, stage)) chain.push(stage);
    else chains.push([stage]);
  }
  return chains;
}

async function startLine(stages: [Stage, ...Stage[]], pool: Pool, config: ServiceConfig): Promise<Line> {
  const options: LineOptions = {
    stages,
    log: await openProcessLog(config),
    pool,
    partitions: config.PARTITIONS,
    inletPartitions: config.INLET_PARTITIONS,
    statesMax: STATES_MAX,
    observer,
    onFatal: (error) => {
      log.fatal({ err: error }, 'the stage cannot go on; this process ends so that a fresh one starts from what is committed');
      process.exit(1);
    },
  };
  await drainBetween(options);
  const line = new Line(options);
  await line.start();
  return line;
}

const observer: LineObserver = {
  ending: (stage, ending, reason, count) => stageEndings.inc({ stage, ending, reason }, count),
  watermark: (stage, partition, timeMs) => Number.isFinite(timeMs) && stageWatermark.set({ stage, partition: String(partition) }, timeMs / 1_000),
  batch: (line, records, ms) => {
    batchSeconds.observe({ line }, ms / 1_000);
    batchRecords.observe({ line }, records);
  },
  failure: (line, error, failures) => {
    batchFailures.inc({ line });
    log.warn({ line, failures, err: error }, 'a batch failed and will be tried again');
  },
  lost: (line) => {
    ownershipLost.inc({ line });
    log.warn({ line }, 'a commit was refused: another process owns the partition now');
  },
};

async function startApp(service: ServiceApp, config: ServiceConfig, host: (stage: Stage) => void, lines: () => readonly Line[]): Promise<INestApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(
    service.module,
    new FastifyAdapter({ bodyLimit: BODY_BYTES_MAX, requestTimeout: REQUEST_TIMEOUT_MS, connectionTimeout: 2 * REQUEST_TIMEOUT_MS, trustProxy: config.TRUSTED_PROXIES ?? false, maxParamLength: 2_048 }),
    { logger: ['error', 'warn'], rawBody: true, abortOnError: false, forceCloseConnections: true },
  );
  app.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true, exceptionFactory: toProblem }));
  app.useGlobalFilters(new ProblemFilter());
  addHealth(app, lines);
  addDocs(app, service.name);
  app.connectMicroservice({ strategy: new StageTransport(host) }, { inheritAppConfig: true });
  if (service.grpc !== undefined) app.connectMicroservice<MicroserviceOptions>(grpcOptions(service.grpc, config), { inheritAppConfig: true });
  await app.startAllMicroservices();
  await app.listen(portOf(service.http.variable, service.http.port), config.HOST);
  return app;
}

function grpcOptions(grpc: NonNullable<ServiceApp['grpc']>, config: ServiceConfig): MicroserviceOptions {
  return {
    transport: Transport.GRPC,
    options: {
      package: grpc.package,
      protoPath: join(PROTO_DIR, grpc.proto),
      url: `${config.HOST}:${portOf(grpc.variable, grpc.port)}`,
      loader: { keepCase: true, longs: Number, defaults: true, oneofs: true },
      maxReceiveMessageLength: 4 * BODY_BYTES_MAX,
      onLoadPackageDefinition: (definition, server) => new ReflectionService(definition).addToServer(server),
    },
  };
}

function addDocs(app: NestFastifyApplication, name: string): void {
  const document = SwaggerModule.createDocument(app, new DocumentBuilder().setTitle(`Tributary ${name}`).setVersion('1').addBearerAuth().build());
  SwaggerModule.setup('docs', app, document);
}

/** The second signal ends the process at once, for whoever cannot wait. */
function onSignal(end: () => Promise<void>): void {
  let asked = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (asked) process.exit(1);
      asked = true;
      void end().then(() => process.exit(0), () => process.exit(1));
    });
  }
}

async function stop(lines: readonly Line[], apps: readonly INestApplication[], pool: Pool, config: ServiceConfig): Promise<void> {
  log.info('stopping after the batch in hand');
  await Promise.all(lines.map((line) => line.stop()));
  await Promise.all(apps.map((app) => app.close()));
  await (await openProcessLog(config)).close();
  await pool.end();
}
