// The engine against SQL on random rules and histories. A long run: `npm run oracle -- --cases 100000`.
import { startOracleDatabase, type OracleDatabase } from './oracle-database.ts';
import { runRound } from './run-round.ts';

const CASES = 1_000;
/** About half a minute on two idle cores. */
const WITHIN_MS = 300_000;

let database: OracleDatabase;

beforeAll(async () => {
  database = await startOracleDatabase();
});

afterAll(() => database?.stop());

test(
  `the engine and SQL agree on every change and every sampled membership of ${CASES} random cases`,
  async () => {
    const seed = Number(process.env.ORACLE_SEED ?? Math.floor(Math.random() * 2 ** 31));
    expect(await runRound({ url: database.url, seed, cases: CASES })).toBeUndefined();
  },
  WITHIN_MS,
);
