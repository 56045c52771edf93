// The engine against SQL on random rules and histories. A long run: `npm run oracle -- --cases 100000`.
import { startOracleDatabase, type OracleDatabase } from './oracle-database.ts';
import { runRound } from './run-round.ts';

const CASES = 1_000;
/** They take about half a minute on two idle cores; on busy ones there are fewer of them. */
const ROUND_MS_MAX = 50_000;
const TEST_MS_MAX = 120_000;

let database: OracleDatabase;

beforeAll(async () => {
  database = await startOracleDatabase();
});

afterAll(() => database?.stop());

test(
  `the engine and SQL agree on every change and every sampled membership of random cases`,
  async () => {
    const seed = Number(process.env.ORACLE_SEED ?? Math.floor(Math.random() * 2 ** 31));
    expect(await runRound({ url: database.url, seed, cases: CASES, msMax: ROUND_MS_MAX })).toBeUndefined();
  },
  TEST_MS_MAX,
);
