import pg from 'pg';
import { migrate } from '@tributary/postgres/migrate';
import { createPool, type Pool } from '@tributary/postgres/pool';
import { joinWrites, type Write } from '@tributary/postgres/write';
import { createTestDatabase, type TestDatabase } from '@tributary/testing/test-database';
import { scoringSchema } from '../schema.js';

export interface ScoringDatabase {
  /** Acts as the service's role. */
  readonly pool: Pool;
  readonly url: string;
  /** One statement for all writes, as the stream library commits a batch. */
  commit(writes: readonly Write[]): Promise<void>;
  drop(): Promise<void>;
}

/** A migrated database of its own, with tables in place of ingestion's views. */
export async function createScoringDatabase(): Promise<ScoringDatabase> {
  const database: TestDatabase = await createTestDatabase({ template: { name: 'scoring', prepare } });
  const pool = createPool({ url: database.url, role: scoringSchema.role, name: 'scoring-test', max: 4 });
  return {
    pool,
    url: database.url,
    commit: async (writes) => void (await pool.query(joinWrites(writes))),
    drop: async () => {
      await pool.end();
      await database.drop();
    },
  };
}

async function prepare(url: string): Promise<void> {
  await migrate(url, [scoringSchema], () => undefined);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`
    create schema ingestion;
    create table ingestion.keys (key_hash bytea, kind text, workspace text, source text, trusted bool);
    create table ingestion.profile_identifiers (workspace text, type text, value text, profile_id uuid);
    create table ingestion.profile_survivors (workspace text, profile_id uuid, survivor_id uuid);
    grant usage on schema ingestion to public;
    grant all on all tables in schema ingestion to public;
  `);
  await client.end();
}
