// npm run bench -- side-by-side [--only tributary-compact,kafka-streams-100,…] [--rates 1000,3000,…] [--seconds 20] [--warmup 20] [--stall 6] [--profiles n]
// The same ten windowed segments, kept by several; all that was told is compared with brute force over what was sent.
// After the loads everybody's processes are stopped for --stall seconds while people go on, and continued.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { workspace as root } from '../preflight.mjs';
import { startStack } from '../stack.ts';
import { cpuSecondsOf, cpuShare } from './measure-cpu.ts';
import { percentilesOf } from './read-changes.ts';
import { kafkaSender, type Sender, sendOpenLoop } from './send-load.ts';
import { measureUpserts } from './side-by-side/bare-upsert.ts';
import { type Contestant, CONTESTANTS, type Running } from './side-by-side/contestants.ts';
import { judge, micros, newHistogram, timesOf, type Verdict } from './side-by-side/judge.ts';
import { readInlet, ToldReader } from './side-by-side/read-told.ts';
import { replayTruth } from './side-by-side/replay-truth.ts';
import { readSegments } from './side-by-side/windowed-segments.ts';
import { EventSource, intendedMsOf, STANDARD } from './workload.ts';

const { values: options } = parseArgs({
  args: process.argv.slice(3),
  options: {
    only: { type: 'string', default: [...CONTESTANTS.map(({ name }) => name), 'upsert'].join(',') },
    rates: { type: 'string', default: '1000,3000,6000,10000,15000,20000' },
    seconds: { type: 'string', default: '20' },
    warmup: { type: 'string', default: '20' },
    stall: { type: 'string', default: '6' },
    profiles: { type: 'string', default: '20000' },
  },
});

const SETTLE_MS = 3_000;
/** The longest of the short windows, and some more: exits by time that belong to a load are over then. */
const AFTERMATH_MS = 12_000;
/** Whoever needs longer than this after a load has fallen behind: higher rates are not asked of him. */
const DRAIN_MS_MAX = 2_000;
const DRAIN_WAIT_MS = 90_000;
const STALL_RATE = 1_000;
const SERVERS = ['kafka', 'postgres', 'generator'];
const workload = { ...STANDARD, profiles: Number(options.profiles) };
const startedAt = new Date().toISOString().replaceAll(':', '');
const dir = join(root, '.local', 'bench-side');
const say = (line: string): void => console.log(line);
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());

interface Load {
  readonly rate: number;
  readonly achieved: number;
  readonly generatorLagMs: number;
  readonly failures: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly drainMs: number;
  readonly cpu: Readonly<Record<string, number>>;
}

await run();

async function run(): Promise<void> {
  const wanted = new Set(options.only.split(','));
  const unknown = [...wanted].filter((name) => name !== 'upsert' && CONTESTANTS.every((contestant) => contestant.name !== name));
  if (unknown.length > 0) throw new Error(`There is no ${unknown.join(', ')}; there are ${CONTESTANTS.map(({ name }) => name).join(', ')}, upsert.`);
  const results = [];
  for (const contestant of CONTESTANTS.filter(({ name }) => wanted.has(name))) {
    say(`\n${contestant.name}: ${contestant.says}`);
    rmSync(dir, { recursive: true, force: true });
    const running = await contestant.start({ dir, report: () => undefined, signal: interrupted.signal });
    try {
      const result = await measure(contestant, running);
      results.push(result);
      store({ workload, segments: readSegments(), results });
    } finally {
      await running.stop();
    }
  }
  const upserts = wanted.has('upsert') ? await measureDatabase() : [];
  const file = store({ workload, segments: readSegments(), results, upserts });
  printTables(results);
  for (const { connections, rowsPerSecond, msPerBatch, microsPerRow } of upserts) say(`bare upserts, ${connections} connection(s): ${rowsPerSecond} rows/s, ${msPerBatch} ms a batch of 500, CPU µs a row ${JSON.stringify(microsPerRow)}`);
  say(`stored in ${file}`);
}

async function measure(contestant: Contestant, running: Running) {
  const brokers = running.stack.env['KAFKA_BROKERS'] as string;
  const reader = new ToldReader();
  await reader.start(brokers);
  const sender = await kafkaSender(brokers, running.writeKey);
  await sendOpenLoop(new EventSource(workload, 'r1'), sender, { perSecond: 1_000, seconds: Number(options.warmup) });
  await drained(reader);
  const loads: Load[] = [];
  for (const rate of options.rates.split(',').map(Number)) {
    const load = await runAt(rate, `r${loads.length + 2}`, { running, sender, reader });
    loads.push(load);
    say(JSON.stringify(load));
    if (load.drainMs > DRAIN_MS_MAX) break;
  }
  await sleep(AFTERMATH_MS);
  const loadedMs = Date.now() - SETTLE_MS;
  const isStalled = contestant.decides === 'segments' && Number(options.stall) > 0;
  if (isStalled) await stallUnderLoad({ running, sender, reader });
  const stalledMs = Date.now() - SETTLE_MS;
  await sender.close();
  await reader.stop();
  const { name, says } = contestant;
  if (contestant.decides === 'nothing') return { name, says, loads: loads.map((load) => ({ ...load, ...seenTimes(reader, load) })), verdict: null, stalled: null };
  const truth = replayTruth(await readInlet(brokers), readSegments(), stalledMs);
  const verdict: Verdict = judge(truth, reader.told, loadedMs);
  const stalled = isStalled ? judge(truth, reader.told, stalledMs) : null;
  say(JSON.stringify({ verdict, stalled }));
  return { name, says, loads: loads.map((load) => ({ ...load, ...timesOf(truth, reader.told, load.fromMs + SETTLE_MS, load.toMs) })), verdict, stalled };
}

interface Scene {
  readonly running: Running;
  readonly sender: Sender;
  readonly reader: ToldReader;
}

/** Shorter than any session, longer than the shortest window: nobody is replaced, and people renew unseen. */
async function stallUnderLoad({ running, sender, reader }: Scene): Promise<void> {
  const stallMs = Number(options.stall) * 1_000;
  const pids = [...running.pids()].filter(([name]) => !SERVERS.includes(name)).map(([, pid]) => pid);
  const sending = sendOpenLoop(new EventSource(workload, 'r99'), sender, { perSecond: STALL_RATE, seconds: 10 + stallMs / 1_000 });
  await sleep(6_000);
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  await sleep(stallMs);
  for (const pid of pids) process.kill(pid, 'SIGCONT');
  await sending;
  await drained(reader);
  await sleep(AFTERMATH_MS);
}

async function runAt(rate: number, name: string, { running, sender, reader }: Scene): Promise<Load> {
  const before = cpuSecondsOf(running.pids());
  const fromMs = Date.now();
  const sent = await sendOpenLoop(new EventSource(workload, name), sender, { perSecond: rate, seconds: Number(options.seconds) });
  const toMs = Date.now();
  const cpu = cpuShare(before, cpuSecondsOf(running.pids()), sent.seconds);
  await drained(reader);
  return { rate, achieved: Math.round(sent.sent / sent.seconds), generatorLagMs: Math.round(sent.generatorLagMs), failures: sent.failures, fromMs, toMs, drainMs: Math.max(0, Math.round(reader.lastReadMs - toMs)), cpu };
}

/** Resolves when nothing more is told of events: either all has been told, or there is no end to it. */
async function drained(reader: ToldReader): Promise<void> {
  for (const startedMs = Date.now(); Date.now() - startedMs < DRAIN_WAIT_MS; await sleep(200)) {
    if (Date.now() - Math.max(reader.lastReadMs, startedMs) > SETTLE_MS) return;
  }
}

/** For those who decide nothing: when was each message read again at the end? */
function seenTimes(reader: ToldReader, { fromMs, toMs }: Load) {
  const latency = newHistogram();
  for (const [messageId, readMs] of reader.seen) {
    const intendedMs = intendedMsOf(messageId);
    if (intendedMs !== null && intendedMs >= fromMs + SETTLE_MS && intendedMs < toMs) latency.recordValue(micros(readMs - intendedMs));
  }
  return { entryMs: percentilesOf(latency), exitMs: percentilesOf(newHistogram()), untold: 0 };
}

async function measureDatabase() {
  rmSync(dir, { recursive: true, force: true });
  const stack = await startStack({ dir, ports: 'free', services: [], signal: interrupted.signal });
  try {
    const results = [];
    for (const connections of [1, 2]) results.push(await measureUpserts(stack.env['DATABASE_URL'] as string, stack.process('postgres').pid as number, connections, 10));
    return results;
  } finally {
    await stack.stop();
  }
}

type Result = Awaited<ReturnType<typeof measure>>;

function printTables(results: readonly Result[]): void {
  say('\n| who | offered/s | entry p50 ms | p99 | exit p50 ms | p99 | drain ms | untold | CPU µs/event |');
  say('|---|---|---|---|---|---|---|---|---|');
  for (const { name, loads } of results) {
    for (const { rate, achieved, entryMs, exitMs, drainMs, untold, cpu } of loads) {
      const cores = Object.values(cpu).reduce((sum, share) => sum + share, 0);
      const exit = exitMs.count === 0 ? '– | –' : `${exitMs.p50} | ${exitMs.p99}`;
      say(`| ${name} | ${rate} | ${entryMs.p50} | ${entryMs.p99} | ${exit} | ${drainMs} | ${untold} | ${Math.round((cores * 1e6) / achieved)} |`);
    }
  }
  say('\n| who | | true changes | told exactly | told otherwise | wrong members at the end | wrong, of all membership seconds |');
  say('|---|---|---|---|---|---|---|');
  for (const { name, verdict, stalled } of results) {
    for (const [when, figures] of [['under load', verdict], [`and after ${options.stall} s of standstill`, stalled]] as const) {
      if (figures === null) continue;
      const { flips, exact, others, wrongAtEnd, wrongSeconds, memberSeconds } = figures;
      say(`| ${name} | ${when} | ${flips} | ${exact} | ${others} | ${wrongAtEnd} | ${wrongSeconds} of ${memberSeconds} |`);
    }
  }
}

function store(figures: object): string {
  const file = join(root, '.local', 'bench-results', `side-by-side-${startedAt}.json`);
  mkdirSync(join(root, '.local', 'bench-results'), { recursive: true });
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, memoryGb: Math.round(totalmem() / 2 ** 30), node: process.version };
  writeFileSync(file, JSON.stringify({ machine, command: process.argv.slice(2).join(' '), ...figures }, null, 2));
  return file;
}
