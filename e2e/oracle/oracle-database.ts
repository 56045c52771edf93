// A PostgreSQL for the oracle: the one of the test run where there is one, else one of its own for the time of the run.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '../../tools/embedded/postgres.ts';
import { findFreePorts } from '../../tools/ports.ts';

export interface OracleDatabase {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startOracleDatabase(): Promise<OracleDatabase> {
  const url = process.env.TEST_DATABASE_URL ?? process.env.DATABASE_URL;
  if (url) return { url, stop: async () => undefined };
  const dir = mkdtempSync(join(tmpdir(), 'tributary-oracle-'));
  const [port] = await findFreePorts(1);
  try {
    const postgres = await startPostgres({ dir: join(dir, 'postgres'), port: port!, settings: { fsync: 'off', full_page_writes: 'off', shared_buffers: '128MB' } });
    return {
      url: postgres.url,
      stop: async () => {
        await postgres.stop();
        rmSync(dir, { recursive: true, force: true });
      },
    };
  } catch (error) {
    rmSync(dir, { recursive: true, force: true });
    throw error;
  }
}
