import pg from 'pg';
import { migrate } from '@tributary/postgres/migrate';
import { createPool, type Pool } from '@tributary/postgres/pool';
import { joinWrites, type Write } from '@tributary/postgres/write';
import { streamSchema } from '@tributary/stream/schema';
import { createTestDatabase } from '@tributary/testing/test-database';
import { segmentationSchema } from '../schema.js';

export interface SegmentationDatabase {
  readonly url: string;
  /** Acts as the service's role. */
  readonly pool: Pool;
  /** One statement for all writes, as the stream library commits a batch. */
  commit(writes: readonly Write[]): Promise<void>;
  drop(): Promise<void>;
}

/** A migrated database of its own, with tables in place of the other services' views. */
export async function createSegmentationDatabase(): Promise<SegmentationDatabase> {
  const database = await createTestDatabase({ template: { name: 'segmentation', prepare } });
  const pool = createPool({ url: database.url, role: segmentationSchema.role, name: 'segmentation-test', max: 4 });
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
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`
    create schema ingestion; create schema consent; create schema scoring; create schema delivery;
    create table ingestion.workspaces_public (workspace text, name text, timezone text);
    create table ingestion.keys (key_hash bytea, kind text, workspace text, source text, trusted bool);
    create table ingestion.profile_identifiers (workspace text, type text, value text, profile_id uuid);
    create table ingestion.profile_survivors (workspace text, profile_id uuid, survivor_id uuid);
    create table consent.purposes_public (workspace text, purpose text, policy text);
    create table consent.current_decisions (workspace text, profile_id uuid, purpose text, decision text, at_ms bigint);
    create table scoring.history (workspace text, profile_id uuid, shard smallint, message_id text, type text, name text, ts_ms bigint, appended_ms bigint, sequence bigint, body jsonb, original_profile_id uuid);
    create table scoring.profiles_public (workspace text, profile_id uuid, shard smallint, traits jsonb, computed jsonb, scores jsonb, cluster text, created_ms bigint, updated_ms bigint);
    create table delivery.segments_used (workspace text, automation text, segment text);
    grant usage on schema ingestion, consent, scoring, delivery to public;
    grant all on all tables in schema ingestion, consent, scoring, delivery to public`);
  await client.end();
  await migrate(url, [streamSchema, segmentationSchema], () => undefined);
}
