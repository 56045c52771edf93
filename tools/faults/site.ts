// The stack of a run, with what faults need: a wire that can be cut before each server, named points inside the services,
// further instances of a service.
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { processesOf, type Layout, type ProcessInLayout } from '../layout.ts';
import { findFreePorts, freePorts, type Ports } from '../ports.ts';
import { workspace as root } from '../preflight.mjs';
import { startStack, type Stack, type StackOptions } from '../stack.ts';
import { SupervisedProcess } from '../supervise.ts';
import { THROWAWAY_POSTGRES } from '../test-stack.ts';
import { Relay } from './relay.ts';
import { mountSmall, unmount } from './small-disk.ts';

export interface SiteOptions {
  readonly dir: string;
  readonly layout: Layout;
  /** Put the servers' data on small file systems, if the machine permits it. */
  readonly smallDisks: boolean;
  /** Name of a guard to leave out of the services. */
  readonly mutation: string | null;
  readonly report: (sentence: string) => void;
  readonly signal?: AbortSignal;
}

/** Where in its work a process is to be hit: see preload.mjs. */
export type Point = 'before-commit' | 'in-commit' | 'after-commit' | 'before-send' | 'after-send' | 'before-hand-over' | 'after-hand-over';

/** The preload's half of this list is in `preload.mjs`. */
const PRELOAD = join(root, 'tools', 'faults', 'preload.mjs');
const READY_MS_MAX = 90_000;
const SERVERS = ['postgres', 'kafka'];
const DISK_MB = 1_500;

type Relays = ReadonlyMap<string, { readonly kafka: Relay; readonly postgres: Relay }>;

export class Site {
  /** Processes of the product that faults are aimed at, in flow order. */
  readonly processes: readonly ProcessInLayout[];
  readonly twins: SupervisedProcess[] = [];

  readonly options: SiteOptions;
  readonly stack: Stack;
  /** Where a server's data lie, of those whose disk can be filled. */
  readonly smallDisks: ReadonlyMap<string, string>;
  readonly #relays: Relays;

  private constructor(options: SiteOptions, stack: Stack, { relays, smallDisks }: { readonly relays: Relays; readonly smallDisks: ReadonlyMap<string, string> }) {
    this.options = options;
    this.stack = stack;
    this.#relays = relays;
    this.smallDisks = smallDisks;
    this.processes = faultyProcesses(options.layout);
  }

  static async start(options: SiteOptions): Promise<Site> {
    const { dir, layout, report, signal } = options;
    mkdirSync(pointsDir(dir), { recursive: true });
    const wires = await Promise.all(faultyProcesses(layout).map(async ({ name }) => {
      const kafka = new Relay();
      const postgres = new Relay();
      const [listener] = await findFreePorts(1);
      return { name, kafka, postgres, kafkaPort: await kafka.open(), postgresPort: await postgres.open(), listener: listener as number };
    }));
    for (const { kafka, listener } of wires) kafka.leadTo(listener);
    const relays = new Map(wires.map(({ name, kafka, postgres }) => [name, { kafka, postgres }]));
    const stackOptions: StackOptions = {
      dir, layout, ports: 'free', report, signal,
      services: ['ingestion', 'consent', 'cleansing', 'scoring', 'segmentation', 'delivery', 'mailbox'],
      postgresSettings: { ...THROWAWAY_POSTGRES, max_connections: 120, max_wal_size: '256MB' },
      env: {
        NODE_OPTIONS: `--max-semi-space-size=64 --import ${PRELOAD}`,
        FAULTS_POINTS_DIR: pointsDir(dir),
        ...(options.mutation === null ? {} : { FAULTS_MUTATION: options.mutation }),
      },
      // The broker tells a client its own address: every wire has a listener that names the wire.
      kafkaProperties: (ports) => ({
        'num.network.threads': 1,
        listeners: [`PLAINTEXT://127.0.0.1:${ports.KAFKA_PORT}`, `CONTROLLER://127.0.0.1:${ports.KAFKA_CONTROLLER_PORT}`, ...wires.map(({ name, listener }) => `${wireOf(name)}://127.0.0.1:${listener}`)].join(','),
        'advertised.listeners': [`PLAINTEXT://127.0.0.1:${ports.KAFKA_PORT}`, ...wires.map(({ name, kafkaPort }) => `${wireOf(name)}://127.0.0.1:${kafkaPort}`)].join(','),
        'listener.security.protocol.map': ['PLAINTEXT', 'CONTROLLER', ...wires.map(({ name }) => wireOf(name))].map((name) => `${name}:PLAINTEXT`).join(','),
        'inter.broker.listener.name': 'PLAINTEXT',
      }),
      envOf: (name, ports): Record<string, string> => {
        const wire = wires.find((one) => one.name === name);
        if (wire === undefined) return {};
        wire.postgres.leadTo(ports.POSTGRES_PORT);
        return { KAFKA_BROKERS: `127.0.0.1:${wire.kafkaPort}`, FAULTS_POSTGRES_PORT: String(wire.postgresPort) };
      },
    };
    const smallDisks = options.smallDisks ? makeSmallDisks(dir) : new Map<string, string>();
    try {
      return new Site(options, await startStack(stackOptions), { relays, smallDisks });
    } catch (error) {
      for (const disk of smallDisks.values()) unmount(disk);
      throw error;
    }
  }

  get databaseUrl(): string {
    return this.stack.env['DATABASE_URL'] as string;
  }

  get brokers(): string {
    return this.stack.env['KAFKA_BROKERS'] as string;
  }

  relayOf(process: string, server: 'kafka' | 'postgres'): Relay {
    return (this.#relays.get(process) as { kafka: Relay; postgres: Relay })[server];
  }

  /** The named process does this to itself when it comes to the point for the `skip + 1`th time. */
  arm(process: string, point: Point, signal: 'SIGKILL' | 'SIGSTOP', skip: number): void {
    const file = join(pointsDir(this.options.dir), process);
    rmSync(`${file}.hit`, { force: true });
    // Seen whole or not at all.
    writeFileSync(`${file}.new`, JSON.stringify({ point, signal, skip }));
    renameSync(`${file}.new`, `${file}.armed`);
  }

  isHit(process: string): boolean {
    return existsSync(join(pointsDir(this.options.dir), `${process}.hit`));
  }

  disarm(process: string): void {
    rmSync(join(pointsDir(this.options.dir), `${process}.armed`), { force: true });
  }

  /** The service's wall clock, as its own code sees it, is off by so much from now on. */
  setClock(process: string, offsetMs: number): void {
    writeFileSync(join(pointsDir(this.options.dir), `${process}.clock`), String(offsetMs));
  }

  /** One more instance of a process, on ports of its own, over the same wires. Resolves when it is ready. */
  async startTwin(name: string, number: number): Promise<SupervisedProcess> {
    const member = this.processes.find((one) => one.name === name) as ProcessInLayout;
    const { plan } = this.stack.process(name);
    const ports = await freePorts();
    const own = Object.fromEntries(member.ports.map((variable) => [variable, String(ports[variable as keyof Ports])]));
    const twinName = `${name}-${number}`;
    const readyUrls = member.services.map((service) => `http://127.0.0.1:${own[`${service.toUpperCase()}_PORT`]}/health/ready`);
    const twin = new SupervisedProcess({
      ...plan,
      name: twinName,
      env: { ...plan.env, ...own, SERVICE_NAME: twinName },
      logFile: join(this.options.dir, 'logs', `${twinName}.log`),
      pidFile: join(this.options.dir, 'pids', `${twinName}.pid`),
      isReady: async () => (await Promise.all(readyUrls.map((url) => fetch(url, { signal: AbortSignal.timeout(2_000) }).then(async (answer) => (await answer.text(), answer.ok))))).every(Boolean),
    }, { restart: true, report: this.options.report });
    this.twins.push(twin);
    await twin.start();
    await twin.whenReady(READY_MS_MAX);
    return twin;
  }

  async stopTwin(twin: SupervisedProcess): Promise<void> {
    this.twins.splice(this.twins.indexOf(twin), 1);
    await twin.stop();
  }

  async whenAllReady(): Promise<void> {
    await this.stack.whenReady();
    await Promise.all(this.twins.map((twin) => twin.whenReady(READY_MS_MAX)));
  }

  async stop(): Promise<void> {
    for (const { kafka, postgres } of this.#relays.values()) {
      kafka.heal({ reset: true });
      postgres.heal({ reset: true });
    }
    await Promise.all(this.twins.map((twin) => twin.stop()));
    await this.stack.stop();
    for (const { kafka, postgres } of this.#relays.values()) {
      kafka.close();
      postgres.close();
    }
    for (const disk of this.smallDisks.values()) unmount(disk);
  }
}

/** What a run that was killed has left mounted. */
export function clearDisks(dir: string): void {
  for (const server of SERVERS) unmount(join(dir, server));
}

function makeSmallDisks(dir: string): Map<string, string> {
  const disks = SERVERS.map((server) => [server, join(dir, server)] as const);
  return new Map(disks.filter(([, disk]) => {
    mkdirSync(disk, { recursive: true });
    return mountSmall(disk, DISK_MB);
  }));
}

function faultyProcesses(layout: Layout): ProcessInLayout[] {
  return processesOf(layout, (service) => service !== 'console' && service !== 'mailbox');
}

function wireOf(process: string): string {
  return `WIRE_${process.toUpperCase()}`;
}

function pointsDir(dir: string): string {
  return join(dir, 'points');
}
