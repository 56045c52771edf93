// How many rows a second PostgreSQL takes when a batch of states is all that it is given: nobody can be faster.
import { randomBytes, randomUUID } from 'node:crypto';
import pg from 'pg';
import { cpuSecondsOf, cpuShare } from '../measure-cpu.ts';

const PEOPLE = 100_000;
const STATE_BYTES = 300;
const BATCH = 500;

export interface UpsertResult {
  readonly connections: number;
  readonly rowsPerSecond: number;
  readonly msPerBatch: number;
  /** CPU, microseconds a row. */
  readonly microsPerRow: Readonly<Record<string, number>>;
}

/** Batches of 500 rows of 300 bytes into a table of 100,000, each batch one statement and one commit. */
export async function measureUpserts(url: string, postgresPid: number, connections: number, seconds: number): Promise<UpsertResult> {
  const pool = new pg.Pool({ connectionString: url, max: connections });
  await pool.query('create table if not exists bare_states (id uuid primary key, state bytea not null) with (fillfactor = 50)');
  const ids = Array.from({ length: PEOPLE }, () => randomUUID());
  const upsert = (part: readonly string[]): Promise<unknown> => pool.query({
    name: 'bare-upsert',
    text: 'insert into bare_states (id, state) select * from unnest($1::uuid[], $2::bytea[]) on conflict (id) do update set state = excluded.state',
    values: [part, part.map(() => randomBytes(STATE_BYTES))],
  });
  for (let at = 0; at < PEOPLE; at += 5_000) await upsert(ids.slice(at, at + 5_000));
  const pids = new Map([['postgres', postgresPid], ['client', process.pid]]);
  const before = cpuSecondsOf(pids);
  const startMs = performance.now();
  let batches = 0;
  await Promise.all(Array.from({ length: connections }, async (_, lane) => {
    // Lanes have people of their own, as partitions have.
    const share = Math.floor(PEOPLE / connections);
    for (let at = 0; performance.now() - startMs < seconds * 1_000; at = (at + BATCH) % (share - BATCH)) {
      await upsert(ids.slice(lane * share + at, lane * share + at + BATCH));
      batches++;
    }
  }));
  const elapsed = (performance.now() - startMs) / 1_000;
  const share = cpuShare(before, cpuSecondsOf(pids), elapsed);
  await pool.query('drop table bare_states');
  await pool.end();
  const rowsPerSecond = Math.round((batches * BATCH) / elapsed);
  return {
    connections, rowsPerSecond, msPerBatch: Math.round((elapsed * 1_000 * connections * 10) / batches) / 10,
    microsPerRow: Object.fromEntries(Object.entries(share).map(([name, cores]) => [name, Math.round((cores * 1e7) / rowsPerSecond) / 10])),
  };
}
