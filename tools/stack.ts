// The whole system on one machine: Kafka, PostgreSQL, migrations, services, mailbox, first workspace. `npm start`
// runs one on the default ports in .local/; tests and benchmarks run their own beside it.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { credentialsFile, readOrMakeCredentials, readOrMakeSecrets, type Credentials, type Secrets } from './credentials.ts';
import { startKafka } from './embedded/kafka.ts';
import { startPostgres } from './embedded/postgres.ts';
import { httpPortOf, processesOf, readyPathOf, SERVICES, type Layout, type ProcessInLayout, type ServiceName } from './layout.ts';
import { migrate } from './migrate.ts';
import { stopOrphans } from './orphans.ts';
import { freePorts, portsFromEnvironment, takenPorts, type Ports, type PortVariable } from './ports.ts';
import { workspace } from './preflight.mjs';
import { SupervisedProcess } from './supervise.ts';

export interface StackOptions {
  /** State, logs and pids. A directory runs at most one stack. */
  readonly dir: string;
  /** `free` for stacks that must not meet another one; the default reads INGESTION_PORT and so on. */
  readonly ports?: 'free' | Partial<Ports>;
  readonly layout?: Layout;
  /** Given to every process, over what the stack sets itself. KAFKA_BROKERS, DATABASE_URL and SMTP_URL replace the embedded servers. */
  readonly env?: Readonly<Record<string, string>>;
  /** All of them, unless given; `[]` starts and migrates the servers alone. */
  readonly services?: readonly ServiceName[];
  readonly postgresSettings?: Readonly<Record<string, string | number>>;
  /** More lines of the broker's server.properties. */
  readonly kafkaProperties?: (ports: Ports) => Readonly<Record<string, string | number>>;
  /** Given to one process, over everything else. */
  readonly envOf?: (process: string, ports: Ports) => Readonly<Record<string, string>>;
  /** Start again what dies; true unless given. */
  readonly restart?: boolean;
  /** Where the built services are; this workspace unless given. */
  readonly root?: string;
  /** Runs while the servers start; must be done before services can start. */
  readonly build?: () => Promise<void>;
  readonly report?: (sentence: string) => void;
  /** Aborted while starting: what has started is stopped, and startStack rejects. */
  readonly signal?: AbortSignal;
}

export interface Stack {
  /** What every process got; enough to start another one by hand. */
  readonly env: Readonly<Record<string, string>>;
  readonly ports: Ports;
  /** HTTP addresses of the running services. */
  readonly urls: Readonly<Partial<Record<ServiceName, string>>>;
  /** Undefined when ingestion is not among the services. */
  readonly credentials: Credentials | undefined;
  /** By service or process name, `kafka` and `postgres` included; in layout compact several services share one process. */
  process(name: string): SupervisedProcess;
  /** Again after a kill or restart: resolves when the named process, or all, can do their work. */
  whenReady(name?: string): Promise<void>;
  /** Services first, then Kafka, then PostgreSQL. Can be called twice. */
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 60_000;
const PROBE_MS_MAX = 2_000;
// Objects of a micro-batch die together; with the default of 16 MB they are copied around before they do.
const NODE_OPTIONS = '--max-semi-space-size=64';

/** Resolves when everything is ready; whatever was started is stopped again when something fails. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const run = new StackRun(options);
  const abort = () => void run.stop();
  options.signal?.addEventListener('abort', abort);
  try {
    return await run.start();
  } catch (error) {
    await run.stop();
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', abort);
  }
}

class StackRun {
  readonly #options: StackOptions;
  readonly #external: Record<string, string | undefined>;
  readonly #members: readonly ProcessInLayout[];
  readonly #processes = new Map<string, SupervisedProcess>();
  readonly #report: (sentence: string) => void;
  readonly #startedAt = Date.now();
  readonly #root: string;
  #ports!: Ports;
  #stopping: Promise<void> | undefined;

  constructor(options: StackOptions) {
    this.#options = options;
    this.#root = options.root ?? workspace;
    this.#report = options.report ?? (() => {});
    // A stack on free ports is a test's: it must not fall in with the servers of the developer's shell by accident.
    this.#external = options.ports === 'free' ? { ...options.env } : { ...process.env, ...options.env };
    const wanted = new Set<ServiceName>(options.services ?? [...SERVICES, 'console', 'mailbox']);
    if (this.#external.SMTP_URL) wanted.delete('mailbox');
    this.#members = processesOf(options.layout ?? 'services', (service) => wanted.has(service));
  }

  async start(): Promise<Stack> {
    const { dir } = this.#options;
    mkdirSync(dir, { recursive: true });
    const orphans = await stopOrphans(dir);
    if (orphans.length > 0) this.#report(`stopped what an earlier run left behind: ${orphans.join(', ')}`);
    this.#ports = await this.#choosePorts();
    const secrets = readOrMakeSecrets(dir, this.#external as NodeJS.ProcessEnv);
    // All settled, so that a server whose twin fails to start is known and can be stopped.
    const results = await Promise.allSettled([this.#startKafka(), this.#startPostgres(), this.#options.build?.()]);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    const [brokers, databaseUrl] = results.map((result) => (result as PromiseFulfilledResult<string>).value);
    const env = this.#environment(brokers!, databaseUrl!, secrets);
    await migrate({ root: this.#root, env, logFile: this.#logFile('migrate'), report: (sentence) => this.#step(sentence), signal: this.#options.signal });
    const urls = await this.#startServices(env);
    const credentials = urls.ingestion ? await readOrMakeCredentials(dir, secrets, urls.ingestion) : undefined;
    return {
      env,
      ports: this.#ports,
      urls,
      credentials,
      process: (name) => this.#find(name),
      whenReady: (name) => this.#whenReady(name === undefined ? [...this.#processes.values()] : [this.#find(name)]),
      stop: () => this.stop(),
    };
  }

  stop(): Promise<void> {
    this.#stopping ??= (async () => {
      const servers = ['kafka', 'postgres'];
      const services = [...this.#processes.values()].filter(({ name }) => !servers.includes(name));
      await Promise.all(services.map((one) => this.#stopOne(one)));
      for (const name of servers) {
        const server = this.#processes.get(name);
        if (server) await this.#stopOne(server);
      }
    })();
    return this.#stopping;
  }

  async #stopOne(one: SupervisedProcess): Promise<void> {
    const ending = await one.stop();
    this.#report(ending === 'ended' ? `${one.name} stopped` : `${one.name} did not stop in time and was killed`);
  }

  async #choosePorts(): Promise<Ports> {
    const { ports } = this.#options;
    const chosen = ports === 'free' ? await freePorts() : { ...portsFromEnvironment(this.#external as NodeJS.ProcessEnv), ...ports };
    const used: PortVariable[] = this.#members.flatMap((member) => member.ports);
    if (!this.#external.DATABASE_URL) used.push('POSTGRES_PORT');
    if (!this.#external.KAFKA_BROKERS) used.push('KAFKA_PORT', 'KAFKA_CONTROLLER_PORT');
    const taken = await takenPorts(chosen, used);
    if (taken.length > 0) throw new TakenPortsError(taken.join('\n'));
    return chosen;
  }

  async #startKafka(): Promise<string> {
    if (this.#external.KAFKA_BROKERS) return this.#external.KAFKA_BROKERS;
    const kafka = await startKafka({
      dir: join(this.#options.dir, 'kafka'),
      port: this.#ports.KAFKA_PORT,
      controllerPort: this.#ports.KAFKA_CONTROLLER_PORT,
      logFile: this.#logFile('kafka'),
      pidFile: this.#pidFile('kafka'),
      properties: this.#options.kafkaProperties?.(this.#ports),
      supervise: this.#supervision(),
      report: this.#report,
      onProcess: (server) => this.#register(server),
    });
    this.#step(`kafka is ready on ${kafka.brokers}`);
    return kafka.brokers;
  }

  async #startPostgres(): Promise<string> {
    if (this.#external.DATABASE_URL) return this.#external.DATABASE_URL;
    const postgres = await startPostgres({
      dir: join(this.#options.dir, 'postgres'),
      port: this.#ports.POSTGRES_PORT,
      logFile: this.#logFile('postgres'),
      pidFile: this.#pidFile('postgres'),
      settings: this.#options.postgresSettings,
      supervise: this.#supervision(),
      onProcess: (server) => this.#register(server),
    });
    this.#step(`postgres is ready on 127.0.0.1:${this.#ports.POSTGRES_PORT}`);
    return postgres.url;
  }

  #environment(brokers: string, databaseUrl: string, secrets: Secrets): Record<string, string> {
    const ports = Object.fromEntries(Object.entries(this.#ports).map(([variable, port]) => [variable, String(port)]));
    return {
      ...(process.env as Record<string, string>),
      ...ports,
      KAFKA_BROKERS: brokers,
      DATABASE_URL: databaseUrl,
      SMTP_URL: this.#external.SMTP_URL ?? `smtp://127.0.0.1:${this.#ports.MAILBOX_SMTP_PORT}`,
      OPERATOR_KEY: secrets.operatorKey,
      TRIBUTARY_SECRET: secrets.tributarySecret,
      TRIBUTARY_CREDENTIALS: credentialsFile(this.#options.dir),
      CONSOLE_EMAIL: secrets.console.email,
      CONSOLE_PASSWORD: secrets.console.password,
      KAFKAJS_NO_PARTITIONER_WARNING: '1',
      NODE_OPTIONS,
      NODE_ENV: 'production',
      ...this.#options.env,
    };
  }

  async #startServices(env: Record<string, string>): Promise<Partial<Record<ServiceName, string>>> {
    const urls = Object.fromEntries(this.#members.flatMap(({ services }) => services).map((service) => [service, this.#urlOf(service)]));
    await Promise.all(
      this.#members.map(async (member) => {
        const one = this.#supervise(member, env);
        await one.start();
        await one.whenReady(READY_WITHIN_MS);
        this.#step(`${member.name} is ready on ${member.services.map((service) => urls[service]).join(', ')}`);
      }),
    );
    return urls;
  }

  #supervise({ name, script, services }: ProcessInLayout, env: Record<string, string>): SupervisedProcess {
    const file = join(this.#root, script);
    if (!existsSync(file)) throw new Error(`${name} is not built: ${script} is missing.`);
    const one = new SupervisedProcess(
      {
        name,
        command: process.execPath,
        args: [file],
        env: { ...env, SERVICE_NAME: name, ...this.#options.envOf?.(name, this.#ports) },
        cwd: this.#root,
        logFile: this.#logFile(name),
        pidFile: this.#pidFile(name),
        isReady: async () => (await Promise.all(services.map((service) => answersOk(this.#urlOf(service) + readyPathOf(service))))).every(Boolean),
      },
      this.#supervision(),
    );
    this.#register(one);
    return one;
  }

  /** Nothing starts any more once stopping has begun: it would be left behind. */
  #register(one: SupervisedProcess): void {
    if (this.#stopping) throw new Error('The stack was stopped while it was starting.');
    this.#processes.set(one.name, one);
  }

  #find(name: string): SupervisedProcess {
    const member = this.#members.find(({ services }) => services.some((service) => service === name));
    const found = this.#processes.get(name) ?? (member && this.#processes.get(member.name));
    if (!found) throw new Error(`No process ${name} in this stack; there are ${[...this.#processes.keys()].join(', ')}.`);
    return found;
  }

  async #whenReady(processes: readonly SupervisedProcess[]): Promise<void> {
    await Promise.all(processes.map((one) => one.whenReady(READY_WITHIN_MS)));
  }

  #supervision(): { restart: boolean; report: (sentence: string) => void } {
    return { restart: this.#options.restart ?? true, report: this.#report };
  }

  #step(sentence: string): void {
    this.#report(`${sentence} (${((Date.now() - this.#startedAt) / 1000).toFixed(1)} s)`);
  }

  #urlOf(service: ServiceName): string {
    return `http://127.0.0.1:${this.#ports[httpPortOf(service)]}`;
  }

  #logFile(name: string): string {
    return join(this.#options.dir, 'logs', `${name}.log`);
  }

  #pidFile(name: string): string {
    return join(this.#options.dir, 'pids', `${name}.pid`);
  }
}

/** One sentence for each taken port; shown without a stack trace. */
export class TakenPortsError extends Error {}

async function answersOk(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(PROBE_MS_MAX) });
  await response.arrayBuffer();
  return response.ok;
}
