// One real Kafka broker (KRaft, broker and controller in one process) for a developer's machine and for tests.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { workspace } from '../preflight.mjs';
import { SupervisedProcess, type ProcessPlan, type SuperviseOptions } from '../supervise.ts';
import { fetchKafkaJars } from './kafka-jars.ts';

export interface KafkaOptions {
  /** Where log directories and properties live; kept between starts. */
  readonly dir: string;
  readonly port: number;
  readonly controllerPort: number;
  readonly logFile?: string;
  readonly pidFile?: string;
  /** More lines of server.properties. */
  readonly properties?: Readonly<Record<string, string | number>>;
  readonly supervise?: SuperviseOptions;
  /** Told before the start, so that the caller can stop what does not come up. */
  readonly onProcess?: (process: SupervisedProcess) => void;
  readonly report?: (sentence: string) => void;
}

export interface EmbeddedKafka {
  /** `host:port`, as KAFKA_BROKERS wants it. */
  readonly brokers: string;
  readonly pid: number | undefined;
  readonly process: SupervisedProcess;
  stop(): Promise<'ended' | 'killed'>;
}

const READY_WITHIN_MS = 60_000;
const GRACE_MS = 20_000;
const HEAP = ['-Xms256m', '-Xmx400m', '-XX:+UseSerialGC'];
const java = process.env.JAVA_HOME ? join(process.env.JAVA_HOME, 'bin', 'java') : 'java';

/** Starts the broker and resolves when it answers requests. */
export async function startKafka(options: KafkaOptions): Promise<EmbeddedKafka> {
  const lib = await fetchKafkaJars(options.report);
  const broker = new SupervisedProcess(plan(options, lib), options.supervise ?? { restart: false });
  options.onProcess?.(broker);
  try {
    await broker.start();
    await broker.whenReady(READY_WITHIN_MS);
  } catch (error) {
    await broker.stop();
    throw error;
  }
  return {
    brokers: `127.0.0.1:${options.port}`,
    get pid() {
      return broker.pid;
    },
    process: broker,
    stop: () => broker.stop(),
  };
}

function plan(options: KafkaOptions, lib: string): ProcessPlan {
  const propertiesFile = join(options.dir, 'server.properties');
  const classPath = join(lib, '*');
  return {
    name: 'kafka',
    command: java,
    args: [...HEAP, `-Dlog4j2.configurationFile=${join(workspace, 'tools', 'kafka', 'log4j2.xml')}`, '-cp', classPath, 'kafka.Kafka', propertiesFile],
    env: process.env,
    logFile: options.logFile ?? join(options.dir, 'kafka.log'),
    pidFile: options.pidFile,
    prepare: () => format(options, propertiesFile, classPath),
    isReady: () => answersRequests(options.port),
    stopSignal: 'SIGTERM',
    graceMs: GRACE_MS,
  };
}

function format(options: KafkaOptions, propertiesFile: string, classPath: string): void {
  const dataDir = join(options.dir, 'data');
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(propertiesFile, toProperties({ ...serverProperties(options, dataDir), ...options.properties }));
  if (existsSync(join(dataDir, 'meta.properties'))) return;
  const clusterId = randomBytes(16).toString('base64url');
  const args = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', classPath, 'kafka.tools.StorageTool', 'format', `--cluster-id=${clusterId}`, '-c', propertiesFile];
  const { status, stdout, stderr } = spawnSync(java, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`Kafka's storage could not be formatted:\n${stdout}${stderr}`);
}

function serverProperties({ port, controllerPort }: KafkaOptions, dataDir: string): Record<string, string | number> {
  return {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': dataDir,
    // A misspelt topic must be an error, not a new topic.
    'auto.create.topics.enable': 'false',
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 4,
    'group.initial.rebalance.delay.ms': 0,
    // The default of 128 MB would be half of the heap.
    'log.cleaner.dedupe.buffer.size': 4_194_304,
    'num.recovery.threads.per.data.dir': 2,
    // A killed broker that starts again waits for the session of its former life to end: by default nine seconds.
    'broker.session.timeout.ms': 5_000,
    'broker.heartbeat.interval.ms': 1_000,
  };
}

function toProperties(entries: Record<string, string | number>): string {
  return `${Object.entries(entries).map(([key, value]) => `${key}=${value}`).join('\n')}\n`;
}

/** Asks for the API versions: the broker answers that only after it has joined its controller. */
function answersRequests(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (isReady: boolean) => {
      socket.destroy();
      resolve(isReady);
    };
    socket.setTimeout(1_000, () => end(false));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
    socket.once('data', () => end(true));
    socket.once('connect', () => socket.write(API_VERSIONS_REQUEST));
  });
}

// Length 10, then: API 18 (ApiVersions) in version 0, correlation id 1, no client id.
const API_VERSIONS_REQUEST = Buffer.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff]);

/** Kept for the test that pom.xml and this code name the same version. */
export function pomVersion(): string | undefined {
  const pom = readFileSync(join(workspace, 'tools', 'kafka', 'pom.xml'), 'utf8');
  return /<artifactId>kafka_2\.13<\/artifactId>\s*<version>([^<]+)</.exec(pom)?.[1];
}
