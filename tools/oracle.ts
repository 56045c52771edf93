// `npm run oracle -- --cases 100000 [--seed 42]`: random rules and histories, the engine against SQL on a PostgreSQL of
// its own (or DATABASE_URL). Cases come in rounds with a seed each, so that a failure is found again in a minute by
// the seed that it names.
import { parseArgs } from 'node:util';
import { buildWorkspace } from './build-workspace.ts';

const ROUND_CASES = 1_000;
const SEEDS = 2 ** 31;

const { values: options } = parseArgs({ options: { cases: { type: 'string', default: '1000' }, seed: { type: 'string' } } });
const cases = Number(options.cases);
const firstSeed = options.seed === undefined ? Math.floor(Math.random() * SEEDS) : Number(options.seed);
if (!Number.isInteger(cases) || cases < 1 || !Number.isInteger(firstSeed)) {
  console.error('Give --cases and --seed as whole numbers, cases at least 1.');
  process.exit(2);
}

await buildWorkspace();
// What was just built is what these import.
const { startOracleDatabase } = await import('../e2e/oracle/oracle-database.ts');
const { runRound } = await import('../e2e/oracle/run-round.ts');
const database = await startOracleDatabase();
try {
  process.exitCode = await runAll(database.url);
} finally {
  await database.stop();
}

async function runAll(url: string): Promise<number> {
  const startedMs = performance.now();
  console.log(`${cases} cases from seed ${firstSeed}`);
  for (let done = 0; done < cases; done += ROUND_CASES) {
    const seed = (firstSeed + done / ROUND_CASES) % SEEDS;
    const failure = await runRound({ url, seed, cases: Math.min(ROUND_CASES, cases - done) });
    if (failure !== undefined) {
      console.error(`${failure}\nAgain: npm run oracle -- --cases ${ROUND_CASES} --seed ${seed}`);
      return 1;
    }
    const seconds = (performance.now() - startedMs) / 1_000;
    console.log(`${Math.min(done + ROUND_CASES, cases)} cases agree (seed ${seed}), ${seconds.toFixed(0)} s`);
  }
  return 0;
}
