// npm run bench -- segmentation [--only engine,backfill,herd,exit,grpc] [--layout compact] [--profiles 100000] [--events 1000000] [--rate 500] [--keep] [--profile]
// --profile leaves CPU profiles in .local/bench-segmentation/profiles
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Layout } from '../layout.ts';
import { workspace as root } from '../preflight.mjs';
import { startStack } from '../stack.ts';
import { checkMemberships } from './check-result.ts';
import { measureEngine, printEngine } from './engine.ts';
import { measureBackfill } from './segmentation/backfill.ts';
import { measureExits } from './segmentation/exits.ts';
import { measureHerd } from './segmentation/herd.ts';
import { LiveLoad } from './segmentation/live-load.ts';
import { measureQuestions } from './segmentation/questions.ts';
import { preparePeople } from './segmentation/people.ts';
import { SegmentsDoor } from './segmentation/segments-door.ts';
import { segmentsOf, STANDARD } from './workload.ts';

const PARTS = ['engine', 'backfill', 'herd', 'exit', 'grpc'] as const;

/** Brings exits by time alone: an event in ten lets somebody in for ten seconds. */
const WATCHED_EXITS = { key: 'viewed-lately', name: 'Viewed lately', rule: { performed: 'Product Viewed', within: '10s' } };

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: PARTS.join(',') },
    layout: { type: 'string', default: 'services' },
    profiles: { type: 'string', default: '100000' },
    /** Of the history that a new segment is made over. */
    events: { type: 'string', default: '1000000' },
    /** Live load beside backfill and herd, events a second. */
    rate: { type: 'string', default: '500' },
    segments: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '20' },
    keep: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    'no-check': { type: 'boolean', default: false },
  },
  allowPositionals: true,
});

const only = new Set(options.only.split(','));
const layout = options.layout as Layout;
const dir = join(root, '.local', 'bench-segmentation');
const say = (line: string): void => console.log(line);
const figures: Record<string, unknown> = {};
const table: [what: string, figure: string, goal: string][] = [];

if (only.delete('engine')) {
  const results = measureEngine();
  printEngine(results);
  figures['engine'] = results;
  const ten = results.find(({ segments }) => segments === 10_000)!;
  table.push(['engine at 10,000 segments, one core', `${ten.perSecond} events/s, ${(ten.usPerEvent / results[0]!.usPerEvent).toFixed(2)} times the cost at 100, ${ten.p50Bytes} B of state (p99 ${ten.p99Bytes})`, '100,000/s, 1.5 times']);
}
if (only.size > 0) await inStack();
store();
say(['', '| what | figure | goal |', '|---|---|---|', ...table.map((row) => `| ${row.join(' | ')} |`)].join('\n'));

async function inStack(): Promise<void> {
  if (!options.keep) rmSync(dir, { recursive: true, force: true });
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  const stack = await startStack({ dir, ports: 'free', layout, services: ['ingestion', 'consent', 'cleansing', 'scoring', 'segmentation', 'delivery'], report: say, signal: interrupted.signal, env: { SMTP_URL: 'smtp://127.0.0.1:9', ...(options.profile ? { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${join(dir, 'profiles')}` } : {}) } });
  try {
    const workload = { ...STANDARD, profiles: Number(options.profiles), segments: Number(options.segments) };
    const standing = [...segmentsOf(workload), WATCHED_EXITS] as { key: string; rule: never }[];
    const door = new SegmentsDoor(stack);
    await door.removeLeftovers();
    for (const segment of standing) await door.define(segment);
    await door.whenLive();
    await preparePeople(stack, { profiles: workload.profiles, events: Number(options.events) }, say);
    const live = await LiveLoad.start(stack, workload, Number(options.rate));
    say('warming up');
    await live.during(async () => sleep(Number(options.seconds) * 500));
    if (only.has('backfill')) take(await measureBackfill({ door, live, seconds: Number(options.seconds), say }));
    if (only.has('herd')) take(await measureHerd({ door, live, seconds: Number(options.seconds), profiles: workload.profiles, say }));
    if (only.has('exit')) take(await measureExits({ stack, workload, live, layout, seconds: Number(options.seconds) }));
    if (only.has('grpc')) take(await measureQuestions({ stack, workload, seconds: Number(options.seconds) / 2, say }));
    await live.stop();
    if (!options['no-check']) await check([...standing, ...door.made]);
  } finally {
    await stack.stop();
  }

  /** A fast wrong run is void. */
  async function check(segments: { key: string; rule: never }[]): Promise<void> {
    const { credentials, env } = stack;
    const result = await checkMemberships(env['DATABASE_URL'] as string, credentials!.workspace, segments);
    figures['check'] = result;
    say(`memberships: ${result.members}, wrong: ${result.wrong}, events in history: ${result.events} ${result.examples.join('; ')}`);
    table.push(['wrong memberships', `${result.wrong} of ${result.members}`, '0']);
    if (result.wrong > 0) process.exitCode = 1;
  }
}

function take({ name, result, rows }: { readonly name: string; readonly result: unknown; readonly rows: readonly [string, string, string][] }): void {
  figures[name] = result;
  table.push(...rows);
  say(`${name}: ${JSON.stringify(result)}`);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function store(): void {
  const folder = join(root, '.local', 'bench-results');
  mkdirSync(folder, { recursive: true });
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, memoryGb: Math.round(totalmem() / 2 ** 30), node: process.version, loadAverage: loadavg() };
  const file = join(folder, `segmentation-${layout}-${new Date().toISOString().replaceAll(':', '')}.json`);
  writeFileSync(file, JSON.stringify({ machine, options, ...figures }, null, 2));
  say(`stored in ${file}`);
}
