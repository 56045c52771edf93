import fc from 'fast-check';
import pg from 'pg';
import { compareForms } from './compare-forms.ts';
import { describeCase } from './describe-case.ts';
import { oracleCases } from './oracle-case.ts';
import { createRelations } from './sql-history.ts';

export interface Round {
  readonly url: string;
  readonly seed: number;
  readonly cases: number;
  /** No further case is begun after that long. */
  readonly msMax?: number;
}

/** For so long a failing case is made smaller. */
const SHRINK_MS_MAX = 45_000;

/** Runs random cases; resolves to the smallest one found on which the two forms differ, in words, or to nothing. */
export async function runRound({ url, seed, cases, msMax }: Round): Promise<string | undefined> {
  const client = new pg.Client({ connectionString: url, application_name: 'oracle' });
  await client.connect();
  let failedAtMs = Infinity;
  try {
    await createRelations(client);
    const found = await fc.check(
      fc.asyncProperty(oracleCases, async (oracleCase) => {
        if (performance.now() > failedAtMs + SHRINK_MS_MAX) return;
        const difference = await compareForms(client, oracleCase);
        if (!difference) return;
        failedAtMs = Math.min(failedAtMs, performance.now());
        throw new Error(JSON.stringify(difference, null, 1));
      }),
      { numRuns: cases, seed, interruptAfterTimeLimit: msMax },
    );
    if (!found.failed) return undefined;
    return `Seed ${seed}, case ${found.numRuns}, after ${found.numShrinks} shrinks:\n${describeCase(found.counterexample![0])}\n${String(found.errorInstance)}`;
  } finally {
    // Closing the connection drops the temporary tables.
    await client.end();
  }
}
