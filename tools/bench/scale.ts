// npm run bench -- scale [--service segmentation] [--partitions 1,4,8,16] [--instances 1,2,4] [--rate 1000] [--seconds 20] [--warmup 20] [--profiles n]
// Six processes, then more of one of them: what an event costs must not depend on how many share the work.
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { httpPortOf, processesOf, SERVICES, type ServiceName } from '../layout.ts';
import { findFreePorts } from '../ports.ts';
import { workspace as root } from '../preflight.mjs';
import { type Stack, startStack } from '../stack.ts';
import { checkMemberships, waitForQuiet } from './check-result.ts';
import { cpuSecondsOf, cpuShare } from './measure-cpu.ts';
import { ChangeReader, percentilesOf } from './read-changes.ts';
import { kafkaSender, sendOpenLoop } from './send-load.ts';
import { EventSource, segmentsOf, STANDARD } from './workload.ts';

const { values: options } = parseArgs({
  args: process.argv.slice(3),
  options: {
    service: { type: 'string', default: 'segmentation' },
    // A divisor of 256 each, for profiles are spread over 256 shards.
    partitions: { type: 'string', default: '1,4,8,16' },
    instances: { type: 'string', default: '1,2,4' },
    rate: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '20' },
    warmup: { type: 'string', default: '20' },
    profiles: { type: 'string', default: '20000' },
  },
});

const service = options.service as (typeof SERVICES)[number];
if (!SERVICES.includes(service)) throw new Error(`There is no ${service}; there are ${SERVICES.join(', ')}.`);
const workload = { ...STANDARD, profiles: Number(options.profiles) };
const rate = Number(options.rate);
const dir = join(root, '.local', 'bench-scale');
const startedAt = new Date().toISOString().replaceAll(':', '');
const READY_WITHIN_MS = 60_000;
const say = (line: string): void => console.log(line);
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());

interface Extra {
  readonly name: string;
  readonly pid: number;
  stop(): Promise<void>;
}

await run();

async function run(): Promise<void> {
  const results = [];
  for (const partitions of options.partitions.split(',').map(Number)) {
    for (const instances of options.instances.split(',').map(Number)) {
      // An instance without a partition has nothing to do.
      if (instances > partitions) continue;
      const result = await measure(partitions, instances);
      results.push(result);
      say(JSON.stringify(result));
      store(results);
    }
  }
  say(`\n| partitions | instances of ${service} | p50 ms | p99 | CPU µs/event, all | of which ${service} | Kafka | PostgreSQL | WAL, bytes/event | wrong memberships |`);
  say('|---|---|---|---|---|---|---|---|---|---|');
  for (const { partitions, instances, latencyMs, microsPerEvent: micros, bytesPerEvent, wrong, members } of results) {
    const all = Object.values(micros).reduce((sum, part) => sum + part, 0);
    say(`| ${partitions} | ${instances} | ${latencyMs.p50} | ${latencyMs.p99} | ${all} | ${micros[service]} | ${micros['kafka']} | ${micros['postgres']} | ${bytesPerEvent.wal} | ${wrong} of ${members} |`);
  }
  const wrong = results.reduce((sum, result) => sum + result.wrong, 0);
  if (wrong > 0) throw new Error('the memberships are not those that SQL finds: these figures are void');
}

async function measure(partitions: number, instances: number) {
  rmSync(dir, { recursive: true, force: true });
  const stack = await startStack({ dir, ports: 'free', services: SERVICES, signal: interrupted.signal, env: { SMTP_URL: 'smtp://127.0.0.1:9', PARTITIONS: String(partitions), INLET_PARTITIONS: String(partitions) } });
  const extras: Extra[] = [];
  try {
    for (let extra = 1; extra < instances; extra++) extras.push(await startExtra(stack, extra));
    return { partitions, instances, ...(await load(stack, extras)) };
  } finally {
    for (const extra of extras) await extra.stop();
    await stack.stop();
  }
}

async function load(stack: Stack, extras: readonly Extra[]) {
  const { env, urls, credentials } = stack;
  const { adminKey, writeKey, workspace } = credentials as NonNullable<Stack['credentials']>;
  const segments = segmentsOf(workload) as { key: string; rule: never }[];
  for (const segment of segments) await post(`${urls.segmentation}/v1/segments`, adminKey, segment);
  const brokers = env['KAFKA_BROKERS'] as string;
  const sender = await kafkaSender(brokers, writeKey);
  const reader = new ChangeReader(brokers);
  await reader.start();
  await sendOpenLoop(new EventSource(workload, 'r1'), sender, { perSecond: rate, seconds: Number(options.warmup) });
  await waitForQuiet(env['DATABASE_URL'] as string);
  const pids = new Map([...[...SERVICES, 'kafka', 'postgres'].map((name) => [name, stack.process(name).pid as number] as const), ...extras.map(({ name, pid }) => [name, pid] as const), ['generator', process.pid]]);
  reader.reset(Date.now() + 3_000);
  const [before, storedBefore] = [cpuSecondsOf(pids), await storedBytes(env['DATABASE_URL'] as string)];
  const sent = await sendOpenLoop(new EventSource(workload, 'r2'), sender, { perSecond: rate, seconds: Number(options.seconds) });
  const share = cpuShare(before, cpuSecondsOf(pids), sent.seconds);
  await waitForQuiet(env['DATABASE_URL'] as string);
  await sleep(500);
  const storedAfter = await storedBytes(env['DATABASE_URL'] as string);
  const { wrong, members } = await checkMemberships(env['DATABASE_URL'] as string, workspace, segments);
  await sender.close();
  await reader.stop();
  const bytesPerEvent = {
    wal: Math.round((storedAfter.wal - storedBefore.wal) / sent.sent),
    tables: Object.fromEntries([...storedAfter.tables].map(([table, bytes]) => [table, Math.round((bytes - (storedBefore.tables.get(table) ?? 0)) / sent.sent)] as const).filter(([, bytes]) => bytes > 0)),
  };
  const changesPerEvent = Math.round((reader.changes / sent.sent) * 100) / 100;
  return { latencyMs: percentilesOf(reader.latency), bytesPerEvent, changesPerEvent, microsPerEvent: microsPerEvent(share, sent.sent / sent.seconds), generatorLagMs: Math.round(sent.generatorLagMs), wrong, members };
}

/** What PostgreSQL has written into its log so far, and what each table takes with its indexes, largest first. */
async function storedBytes(url: string): Promise<{ wal: number; tables: Map<string, number> }> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows: [log] } = await client.query<{ wal: string }>("select pg_current_wal_lsn() - '0/0'::pg_lsn as wal");
  const { rows: tables } = await client.query<{ name: string; bytes: string }>("select relid::regclass::text as name, pg_total_relation_size(relid) as bytes from pg_stat_user_tables order by 2 desc");
  await client.end();
  return { wal: Number(log?.wal), tables: new Map(tables.map(({ name, bytes }) => [name, Number(bytes)])) };
}

/** The instances of the service together. */
function microsPerEvent(share: Readonly<Record<string, number>>, perSecond: number): Record<string, number> {
  const micros: Record<string, number> = {};
  for (const [name, cores] of Object.entries(share)) {
    const whose = name.startsWith(`${service}-`) ? service : name;
    micros[whose] = (micros[whose] ?? 0) + Math.round((cores * 1e6) / perSecond);
  }
  return micros;
}

/** One more process of the service, as a supervisor would start it: the same environment, other ports. */
async function startExtra(stack: Stack, number: number): Promise<Extra> {
  const [member] = processesOf('services', (name: ServiceName) => name === service);
  if (member === undefined) throw new Error(`${service} has no process of its own`);
  const ports = await findFreePorts(member.ports.length);
  const own = Object.fromEntries(member.ports.map((variable, index) => [variable, String(ports[index])]));
  const name = `${service}-${number + 1}`;
  mkdirSync(join(dir, 'logs'), { recursive: true });
  const log = openSync(join(dir, 'logs', `${name}.log`), 'a');
  const child = spawn(process.execPath, [join(root, member.script)], { cwd: root, stdio: ['ignore', log, log], env: { ...stack.env, ...own, SERVICE_NAME: name } });
  closeSync(log);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
  };
  const url = `http://127.0.0.1:${own[httpPortOf(service)]}/health/ready`;
  for (const untilMs = Date.now() + READY_WITHIN_MS; !(await fetch(url).then(({ ok }) => ok, () => false)); await sleep(200)) {
    if (Date.now() > untilMs || child.exitCode !== null) {
      await stop();
      throw new Error(`${name} was not ready: see ${join(dir, 'logs', `${name}.log`)}`);
    }
  }
  return { name, pid: child.pid as number, stop };
}

async function post(url: string, key: string, body: object): Promise<void> {
  const response = await fetch(url, { method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify(body) });
  if (response.status !== 201) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
}

function store(results: object): void {
  mkdirSync(join(root, '.local', 'bench-results'), { recursive: true });
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, memoryGb: Math.round(totalmem() / 2 ** 30), node: process.version };
  writeFileSync(join(root, '.local', 'bench-results', `scale-${service}-${startedAt}.json`), JSON.stringify({ machine, workload, rate, service, results }, null, 2));
}
