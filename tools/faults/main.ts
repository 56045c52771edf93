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
import { runFaults, type RunOptions } from './run-faults.ts';

const { values: options } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    faults: { type: 'string', default: '20' },
    minutes: { type: 'string' },
    layout: { type: 'string', default: 'services' },
    only: { type: 'string' },
    mutate: { type: 'string' },
    people: { type: 'string', default: '120' },
    rate: { type: 'string', default: '120' },
  },
});

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
process.exitCode = await main().catch((error: Error) => {
  console.error(error.stack ?? error.message);
  return 1;
});

async function main(): Promise<number> {
  const run = readOptions();
  console.log(`seed ${run.seed}, layout ${run.layout}${run.mutation === null ? '' : `, without the guard "${run.mutation}"`}`);
  rmSync(run.dir, { recursive: true, force: true });
  const result = await runFaults(run);
  console.log(describeRun(result));
  return findingsOf(result).length > 0 ? 1 : 0;
}

function readOptions(): RunOptions {
  const only = options.only?.split(',');
  const unknown = only?.filter((name) => !catalogue.some((fault) => fault.name === name)) ?? [];
  if (unknown.length > 0) throw new Error(`No fault ${unknown.join(', ')}; there are ${catalogue.map(({ name }) => name).join(', ')}.`);
  if (options.mutate !== undefined && !(options.mutate in MUTATIONS)) throw new Error(`No guard ${options.mutate}; there are ${Object.keys(MUTATIONS).join(', ')}.`);
  if (!['services', 'compact'].includes(options.layout)) throw new Error(`--layout is services or compact, not ${options.layout}.`);
  const startMs = Date.now();
  return {
    dir: join(root, '.local', 'faults'),
    layout: options.layout as Layout,
    seed: Number(options.seed),
    faults: Number(options.faults),
    minutes: options.minutes === undefined ? null : Number(options.minutes),
    kinds: only === undefined ? catalogue : catalogue.filter(({ name }) => only.includes(name)),
    people: Number(options.people),
    perSecond: Number(options.rate),
    mutation: options.mutate ?? null,
    report: (sentence) => console.log(`${((Date.now() - startMs) / 1_000).toFixed(1).padStart(7)} ${sentence}`),
    signal: interrupted.signal,
  };
}
