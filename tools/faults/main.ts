// npm run faults [-- --seed n] [--faults n] [--minutes n] [--layout services|compact] [--only kill,zombie] [--mutate fence]
// Docs: docs/faults.md.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Layout } from '../layout.ts';
import { workspace as root } from '../preflight.mjs';
import { catalogue } from './catalogue.ts';
import { MUTATIONS } from './mutations.mjs';
import { describeRun, findingsOf } from './report.ts';
import { clearDisks } from './site.ts';
import { NotStarted, runFaults, type RunOptions } from './run-faults.ts';

const { values: options } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    faults: { type: 'string' },
    minutes: { type: 'string' },
    layout: { type: 'string', default: 'services' },
    only: { type: 'string' },
    mutate: { type: 'string' },
    people: { type: 'string', default: '120' },
    rate: { type: 'string', default: '120' },
  },
});

/** What a guard is there for. */
const PROVOKING: Readonly<Record<string, readonly string[]>> = { fence: ['zombie'], watermark: ['absence'], clamp: ['kill'], ids: ['kill'], claim: ['kill-at-point'] };

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
process.exitCode = await main().catch((error: Error) => {
  console.error(error.stack ?? error.message);
  return 1;
});

async function main(): Promise<number> {
  const run = readOptions();
  console.log(`seed ${run.seed}, layout ${run.layout}${run.mutation === null ? '' : `, without the guard "${run.mutation}"`}`);
  clearDisks(run.dir);
  rmSync(run.dir, { recursive: true, force: true });
  if (run.mutation === null) return (await harm(run)) ? 1 : 0;
  // A mutant that keeps the stack from ever getting quiet is caught as well.
  const isCaught = await harm(run).catch((error: Error) => {
    if (error instanceof NotStarted) throw error;
    console.error(error.message);
    return true;
  });
  console.log(`\nwithout the guard "${run.mutation}": ${isCaught ? 'caught' : 'NOT CAUGHT: the checks are blind to it'}`);
  return isCaught ? 0 : 1;
}

/** @returns whether something was wrong */
async function harm(run: RunOptions): Promise<boolean> {
  const result = await runFaults(run);
  console.log(describeRun(result));
  return findingsOf(result).length > 0;
}

function readOptions(): RunOptions {
  const only = options.only?.split(',') ?? (options.mutate === undefined ? undefined : PROVOKING[options.mutate]);
  const unknown = only?.filter((name) => !catalogue.some((fault) => fault.name === name)) ?? [];
  if (unknown.length > 0) throw new Error(`No fault ${unknown.join(', ')}; there are ${catalogue.map(({ name }) => name).join(', ')}.`);
  if (options.mutate !== undefined && !(options.mutate in MUTATIONS)) throw new Error(`No guard ${options.mutate}; there are ${Object.keys(MUTATIONS).join(', ')}.`);
  if (!['services', 'compact'].includes(options.layout)) throw new Error(`--layout is services or compact, not ${options.layout}.`);
  const startMs = Date.now();
  return {
    dir: join(root, '.local', 'faults'),
    layout: options.layout as Layout,
    seed: Number(options.seed),
    faults: Number(options.faults ?? (options.mutate === undefined ? 20 : 6)),
    minutes: options.minutes === undefined ? null : Number(options.minutes),
    kinds: only === undefined ? catalogue : catalogue.filter(({ name }) => only.includes(name)),
    people: Number(options.people),
    perSecond: Number(options.rate),
    mutation: options.mutate ?? null,
    report: (sentence) => console.log(`${((Date.now() - startMs) / 1_000).toFixed(1).padStart(7)} ${sentence}`),
    signal: interrupted.signal,
  };
}
