import pg from 'pg';
import { migrate } from '@tributary/postgres/migrate';
import { createPool, type Pool } from '@tributary/postgres/pool';
import { joinWrites, type Write } from '@tributary/postgres/write';
import { createTestDatabase } from '@tributary/testing/test-database';
import { cleansingSchema } from '../schema.js';

export interface CleansingDatabase {
  readonly url: string;
  /** Acts as the service's role. */
  readonly pool: Pool;
  /** One statement for all writes, as the stream library commits a batch. */
  commit(writes: readonly Write[]): Promise<void>;
  drop(): Promise<void>;
}

/** A migrated database of its own, with a table in place of ingestion's view of keys. */
export async function createCleansingDatabase(): Promise<CleansingDatabase> {
  const database = await createTestDatabase({ template: { name: 'cleansing', prepare } });
  const pool = createPool({ url: database.url, role: cleansingSchema.role, name: 'cleansing-test', max: 4 });
  return {
    url: database.url,
    pool,
    commit: async (writes) => void (await pool.query(joinWrites(writes))),
    drop: async () => {
      await pool.end();
      await database.drop();
    },
  };
}

async function prepare(url: string): Promise<void> {
  await migrate(url, [cleansingSchema], () => undefined);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`
    create schema ingestion;
    create table ingestion.keys (key_hash bytea, kind text, workspace text, source text, trusted bool);
    grant usage on schema ingestion to public;
    grant all on all tables in schema ingestion to public`);
  await client.end();
}
