import { randomUUID } from 'node:crypto';
import { migrate } from '@tributary/postgres/migrate';
import { createPool, type Pool } from '@tributary/postgres/pool';
import { joinWrites, type Write } from '@tributary/postgres/write';
import { createTestDatabase } from '@tributary/testing/test-database';
import pg from 'pg';
import { deliverySchema } from '../schema.js';

export const WORKSPACE = 'ws_1';

export interface DeliveryDatabase {
  /** Acts as the service's role. */
  readonly pool: Pool;
  readonly url: string;
  /** One statement for all writes, as the stream library commits a batch. */
  commit(writes: readonly Write[]): Promise<void>;
  /** A person with consent to email_marketing, unless `over` says otherwise. @returns the profile id */
  addPerson(over?: { readonly email?: string | null; readonly traits?: object; readonly decision?: 'granted' | 'withdrawn' | null; readonly scores?: object; readonly segments?: readonly string[] }): Promise<string>;
  decideConsent(profileId: string, decision: 'granted' | 'withdrawn', atMs: number): Promise<void>;
  drop(): Promise<void>;
}

let people = 0;

/** A migrated database of its own, with tables in place of the public views of the other services. */
export async function createDeliveryDatabase(): Promise<DeliveryDatabase> {
  const database = await createTestDatabase({ template: { name: 'delivery', prepare } });
  const pool = createPool({ url: database.url, role: deliverySchema.role, name: 'delivery-test', max: 8 });
  const decideConsent = async (profileId: string, decision: string, atMs: number): Promise<void> => {
    await pool.query(
      `insert into consent.current_decisions values ($1, $2, 'email_marketing', $3, $4)
        on conflict (workspace, profile_id, purpose) do update set decision = excluded.decision, at_ms = excluded.at_ms`,
      [WORKSPACE, profileId, decision, atMs],
    );
  };
  return {
    pool,
    url: database.url,
    commit: async (writes) => void (await pool.query(joinWrites(writes))),
    decideConsent: async (profileId, decision, atMs) => decideConsent(profileId, decision, atMs),
    addPerson: async ({ email = `person-${(people += 1)}@a.example`, traits = {}, decision = 'granted', scores = {}, segments = [] } = {}) => {
      const id = randomUUID();
      await pool.query('insert into ingestion.profile_survivors values ($1, $2, $2)', [WORKSPACE, id]);
      if (email !== null) await pool.query(`insert into ingestion.profile_identifiers values ($1, 'email', $2, $3)`, [WORKSPACE, email, id]);
      await pool.query(`insert into scoring.profiles_public (workspace, profile_id, traits, computed, scores) values ($1, $2, $3, '{}', $4)`, [WORKSPACE, id, JSON.stringify(traits), JSON.stringify(scores)]);
      for (const segment of segments) await pool.query('insert into segmentation.members values ($1, $2, $3, 1000)', [WORKSPACE, segment, id]);
      if (decision !== null) await decideConsent(id, decision, 1_000);
      return id;
    },
    drop: async () => {
      await pool.end();
      await database.drop();
    },
  };
}

async function prepare(url: string): Promise<void> {
  await migrate(url, [deliverySchema], () => undefined);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`
    create schema ingestion; create schema scoring; create schema consent; create schema segmentation;
    create table ingestion.keys (key_hash bytea, kind text, workspace text, source text, trusted bool);
    create table ingestion.workspaces_public (workspace text, name text, timezone text);
    create table ingestion.profile_identifiers (workspace text, type text, value text, profile_id uuid);
    create table ingestion.profile_survivors (workspace text, profile_id uuid, survivor_id uuid);
    create table scoring.profiles_public (workspace text, profile_id uuid, shard smallint, traits jsonb, computed jsonb, scores jsonb, cluster text, created_ms bigint, updated_ms bigint);
    create table scoring.history (workspace text, profile_id uuid, shard smallint, message_id text, type text, name text, ts_ms bigint, appended_ms bigint, sequence bigint, body jsonb);
    create table consent.current_decisions (workspace text, profile_id uuid, purpose text, decision text, at_ms bigint, primary key (workspace, profile_id, purpose));
    create table consent.purposes_public (workspace text, purpose text, policy text);
    create table segmentation.members (workspace text, segment text, profile_id uuid, since_ms bigint);
    insert into ingestion.workspaces_public values ('${WORKSPACE}', 'Test shop', 'Europe/Berlin');
    insert into consent.purposes_public values ('${WORKSPACE}', 'email_marketing', 'opt-in'), ('${WORKSPACE}', 'service', 'opt-out');
    grant usage on schema ingestion, scoring, consent, segmentation to public;
    grant all on all tables in schema ingestion, scoring, consent, segmentation to public;
  `);
  await client.end();
}
