// PostgreSQL and Kafka go away, stand still, or have no room.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type Fault, type Scene, secondsBetween } from './fault.ts';

const SERVERS = ['postgres', 'kafka'] as const;
/** Connections that PostgreSQL keeps for superusers are not taken: the driver has to get in again. */
const POOL_HELD_MS = 6_000;
const POOL_TRIES_MAX = 400;

const restartServer: Fault = {
  name: 'server-restart',
  targets: () => SERVERS,
  async inject({ site }, target) {
    await site.stack.process(target).restart();
    await site.stack.whenReady(target);
    return 'ended in order, and started again';
  },
};

const killServer: Fault = {
  name: 'server-kill',
  targets: () => SERVERS,
  async inject({ site }, target) {
    site.stack.process(target).kill('SIGKILL');
    await sleep(500);
    await site.stack.whenReady(target);
    return 'SIGKILL, recovered from its log';
  },
};

const pauseServer: Fault = {
  name: 'server-pause',
  targets: () => SERVERS,
  async inject({ site, random }, target) {
    const ms = secondsBetween(random, 2, target === 'kafka' ? 12 : 8);
    const pid = site.stack.process(target).pid as number;
    // PostgreSQL is many processes, each in a group of its own.
    const pids = [pid, ...childrenOf(pid)];
    signal(pids, 'SIGSTOP');
    await sleep(ms);
    signal(pids.reverse(), 'SIGCONT');
    return `SIGSTOP for ${ms} ms`;
  },
};

/** Whoever wants a new connection is refused; those that are broken off cannot be replaced. */
const exhaustPool: Fault = {
  name: 'pool-exhausted',
  targets: () => ['postgres'],
  async inject(scene) {
    const held: pg.Client[] = [];
    try {
      await holdAll(scene, held);
      // Some of the product's own are broken off as well, so that it must ask for new ones.
      await endSome(scene);
      await sleep(POOL_HELD_MS);
      return `${held.length} connections held from outside for ${POOL_HELD_MS} ms, so that there is none left; three of the product's broken off`;
    } finally {
      await Promise.all(held.map((client) => client.end().catch(() => undefined)));
    }
  },
};

export const serverFaults: readonly Fault[] = [restartServer, killServer, pauseServer, exhaustPool];

async function holdAll({ site }: Scene, held: pg.Client[]): Promise<void> {
  await ensureStranger(site.databaseUrl);
  const url = new URL(site.databaseUrl);
  url.username = STRANGER;
  url.password = STRANGER;
  for (let tries = 0; tries < POOL_TRIES_MAX; tries++) {
    const client = new pg.Client({ connectionString: url.href, connectionTimeoutMillis: 2_000, application_name: 'faults' });
    client.on('error', () => undefined);
    try {
      await client.connect();
      held.push(client);
    } catch (error) {
      if (/^53300$/.test(String((error as { code?: unknown }).code)) || /too many|reserved/.test((error as Error).message)) return;
      throw error;
    }
  }
  throw new Error('PostgreSQL did not run out of connections');
}

const STRANGER = 'faults_stranger';

/** A role without rights: the few slots that PostgreSQL keeps for superusers stay free, so that the driver gets in. */
async function ensureStranger(url: string): Promise<void> {
  await ask(url, `do $$ begin create role ${STRANGER} login password '${STRANGER}'; exception when duplicate_object then null; end $$`);
}

async function endSome({ site }: Scene): Promise<void> {
  await ask(site.databaseUrl, `select pg_terminate_backend(pid) from (select pid from pg_stat_activity where application_name like '%line%' limit 3) chosen`);
}

async function ask(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  await client.query(text).finally(() => client.end());
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent;
    } catch {
      return false; // ended meanwhile
    }
  });
}

function signal(pids: readonly number[], name: 'SIGSTOP' | 'SIGCONT'): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended.
    }
  }
}
