// npm run bench [-- flow] [--layout compact] [--rates 500,1000] [--seconds 30] [--warmup 20] [--door kafka|http] [--profiles n] [--profile]
// --profile leaves a CPU profile of every service in .local/bench/profiles
import { cpus, totalmem } from 'node:os';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startStack } from '../stack.ts';
import { processesOf, type Layout } from '../layout.ts';
import { workspace as root } from '../preflight.mjs';
import { checkMemberships, waitForQuiet } from './check-result.ts';
import { cpuSecondsOf, cpuShare } from './measure-cpu.ts';
import { ChangeReader, percentilesOf } from './read-changes.ts';
import { httpSender, kafkaSender, sendOpenLoop, type Sender } from './send-load.ts';
import { EventSource, identifyOf, segmentsOf, STANDARD } from './workload.ts';

/** Other things to measure; without a name of these it is the flow. */
const MODES: Readonly<Record<string, string>> = { segmentation: './segmentation.ts', 'side-by-side': './side-by-side.ts', scale: './scale.ts' };
const mode = MODES[process.argv[2] ?? ''];
if (mode !== undefined) {
  await import(mode);
  process.exit();
}

const { values: options } = parseArgs({
  options: {
    layout: { type: 'string', default: 'services' },
    rates: { type: 'string', default: '500,1000,2000,3000,5000' },
    seconds: { type: 'string', default: '30' },
    warmup: { type: 'string', default: '20' },
    door: { type: 'string', default: 'kafka' },
    profiles: { type: 'string', default: String(STANDARD.profiles) },
    keep: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});

const layout = options.layout as Layout;
const workload = { ...STANDARD, profiles: Number(options.profiles) };
const dir = join(root, '.local', 'bench');
if (!options.keep) rmSync(dir, { recursive: true, force: true });

const say = (line: string): void => console.log(line);
const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());
const stack = await startStack({ dir, ports: 'free', layout, services: ['ingestion', 'consent', 'cleansing', 'scoring', 'segmentation', 'delivery'], report: say, signal: interrupted.signal, env: { SMTP_URL: 'smtp://127.0.0.1:9', ...(options.profile ? { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${join(dir, 'profiles')}` } : {}) } });
try {
  await run();
} finally {
  await stack.stop();
}

async function run(): Promise<void> {
  const { credentials, urls, env } = stack;
  if (credentials === undefined) throw new Error('no workspace was made');
  const segments = segmentsOf(workload) as { key: string; rule: never }[];
  for (const segment of segments) await mustPost(`${urls.segmentation}/v1/segments`, credentials.adminKey, segment);
  say(`${segments.length} segments defined`);
  const sender = options.door === 'http' ? httpSender(urls.ingestion as string, credentials.writeKey) : await kafkaSender(env['KAFKA_BROKERS'] as string, credentials.writeKey);
  await preload(await kafkaSender(env['KAFKA_BROKERS'] as string, credentials.writeKey));
  const reader = new ChangeReader(env['KAFKA_BROKERS'] as string);
  await reader.start();
  await measureIdle();
  let runNumber = 0;
  say(`warming up for ${options.warmup} s`);
  await sendOpenLoop(new EventSource(workload, `r${++runNumber}`), sender, { perSecond: 1_000, seconds: Number(options.warmup) });
  const results = [];
  for (const rate of (options.rates as string).split(',').map(Number)) {
    await waitForQuiet(env['DATABASE_URL'] as string);
    const result = await runAt(rate, `r${++runNumber}`, sender, reader);
    results.push(result);
    say(JSON.stringify(result));
    if (result.drainMs > 20_000) break;
  }
  const check = await checkMemberships(env['DATABASE_URL'] as string, credentials.workspace, segments);
  say(`memberships: ${check.members}, wrong: ${check.wrong}, events in history: ${check.events} ${check.examples.join('; ')}`);
  await reader.stop();
  await sender.close();
  store({ layout, door: options.door, workload, results, check });
  printTable(results);
  if (check.wrong > 0) throw new Error('the memberships are not those that SQL finds: these figures are void');
}

async function preload(sender: Sender): Promise<void> {
  const startedMs = Date.now();
  for (let from = 0; from < workload.profiles; from += 1_000) {
    await sender.send(Array.from({ length: Math.min(1_000, workload.profiles - from) }, (_, index) => identifyOf(from + index, Date.now())));
  }
  await waitForQuiet(env(), 600_000);
  await sender.close();
  const seconds = (Date.now() - startedMs) / 1_000;
  say(`${workload.profiles} profiles in ${seconds.toFixed(1)} s: ${Math.round(workload.profiles / seconds)}/s`);
}

function env(): string {
  return stack.env['DATABASE_URL'] as string;
}

function pidsNow(): Map<string, number> {
  const names = [...processesOf(layout, (service) => service !== 'console' && service !== 'mailbox').map(({ name }) => name), 'kafka', 'postgres'];
  return new Map([...names.map((name) => [name, stack.process(name).pid as number] as const), ['generator', process.pid]]);
}

async function measureIdle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const before = cpuSecondsOf(pidsNow());
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  const share = cpuShare(before, cpuSecondsOf(pidsNow()), 10);
  const services = Object.entries(share).filter(([name]) => !['kafka', 'postgres', 'generator'].includes(name)).reduce((sum, [, value]) => sum + value, 0);
  say(`idle: services together ${(services * 100).toFixed(1)} % of a core ${JSON.stringify(share)}`);
}

async function runAt(rate: number, name: string, sender: Sender, reader: ChangeReader) {
  const settleMs = 3_000;
  reader.reset(Date.now() + settleMs);
  const before = cpuSecondsOf(pidsNow());
  const sent = await sendOpenLoop(new EventSource(workload, name), sender, { perSecond: rate, seconds: Number(options.seconds) });
  const cpu = cpuShare(before, cpuSecondsOf(pidsNow()), sent.seconds);
  const drainMs = await waitForQuiet(env());
  await new Promise((resolve) => setTimeout(resolve, 500));
  return {
    rate, sent: sent.sent, achieved: Math.round(sent.sent / sent.seconds), generatorLagMs: Math.round(sent.generatorLagMs), failures: sent.failures, drainMs,
    changes: reader.changes, byTime: reader.byTime, latencyMs: percentilesOf(reader.latency), exitErrorMs: percentilesOf(reader.exitError), cpu,
  };
}

function printTable(results: Awaited<ReturnType<typeof runAt>>[]): void {
  say('| offered/s | achieved/s | p50 ms | p90 | p99 | p99.9 | max | exit error p99 | drain ms | generator lag ms | CPU cores, all | changes/event |');
  say('|---|---|---|---|---|---|---|---|---|---|---|---|');
  for (const { rate, sent, changes, achieved, latencyMs: l, exitErrorMs, drainMs, generatorLagMs, cpu } of results) {
    const cores = Object.values(cpu).reduce((sum, value) => sum + value, 0);
    say(`| ${rate} | ${achieved} | ${l.p50} | ${l.p90} | ${l.p99} | ${l.p999} | ${l.max} | ${exitErrorMs.p99} | ${drainMs} | ${generatorLagMs} | ${cores.toFixed(2)} | ${(changes / sent).toFixed(2)} |`);
  }
}

function store(figures: object): void {
  const file = join(root, '.local', 'bench-results', `${layout}-${options.door}-${new Date().toISOString().replaceAll(':', '')}.json`);
  mkdirSync(join(root, '.local', 'bench-results'), { recursive: true });
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, memoryGb: Math.round(totalmem() / 2 ** 30), node: process.version };
  writeFileSync(file, JSON.stringify({ machine, ...figures }, null, 2));
  say(`stored in ${file}`);
}

async function mustPost(url: string, key: string, body: object): Promise<void> {
  const response = await fetch(url, { method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify(body) });
  if (response.status !== 201) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
}
