// A database of its own for each test file, cloned from a template, on the PostgreSQL that `npm test` started.
import { createHash, randomBytes } from 'node:crypto';
import pg from 'pg';

export interface TestDatabaseTemplate {
  /** Names the template; the first caller with a name prepares it, all others clone what it made. */
  readonly name: string;
  /** Migrates the empty template. Must close every connection that it opens. */
  prepare(url: string): Promise<void>;
}

export interface TestDatabase {
  readonly url: string;
  readonly name: string;
  /** Rejects when a connection is still open: a test that leaves a pool behind is wrong. */
  drop(): Promise<void>;
}

const CONNECTIONS_CLOSE_WITHIN_MS = 1_000;
const POLL_MS = 25;

/** The caller drops it (`afterAll(() => database.drop())`). Without a template the database is empty. */
export async function createTestDatabase({ template }: { template?: TestDatabaseTemplate } = {}): Promise<TestDatabase> {
  const server = serverUrl();
  const name = `test_${randomBytes(6).toString('hex')}`;
  await withClient(server, async (client) => {
    const source = template ? await prepareTemplate(client, server, template) : 'template1';
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${source} STRATEGY file_copy`);
  });
  return { url: databaseUrl(server, name), name, drop: () => dropDatabase(server, name) };
}

/** Where the test database server is, for tests that manage databases themselves. */
export function serverUrl(): string {
  const url = process.env.TEST_DATABASE_URL;
  if (!url) throw new Error('No test database server: run the tests with npm test, or set TEST_DATABASE_URL.');
  return url;
}

async function prepareTemplate(client: pg.Client, server: string, template: TestDatabaseTemplate): Promise<string> {
  const digest = createHash('sha256').update(template.name).digest('hex').slice(0, 8);
  const name = `template_${template.name.replace(/\W+/g, '_').toLowerCase().slice(0, 40)}_${digest}`;
  // Test files start in several workers at once: one prepares, the others wait here. The comment marks a template
  // whose preparation has finished; one that failed is made anew.
  await client.query('SELECT pg_advisory_lock(hashtext($1))', [name]);
  try {
    const { rows } = await client.query(
      `SELECT shobj_description(oid, 'pg_database') = 'ready' AS "isReady" FROM pg_database WHERE datname = $1`,
      [name],
    );
    if (rows[0]?.isReady) return name;
    await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    await client.query(`CREATE DATABASE ${name}`);
    await template.prepare(databaseUrl(server, name));
    await client.query(`COMMENT ON DATABASE ${name} IS 'ready'`);
    return name;
  } finally {
    await client.query('SELECT pg_advisory_unlock(hashtext($1))', [name]);
  }
}

async function dropDatabase(server: string, name: string): Promise<void> {
  await withClient(server, async (client) => {
    // Asked for rather than tried: DROP DATABASE would itself wait five seconds for the others to leave.
    const deadline = Date.now() + CONNECTIONS_CLOSE_WITHIN_MS;
    let rows = await openConnections(client, name);
    while (rows.length > 0 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      rows = await openConnections(client, name);
    }
    await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    if (rows.length === 0) return;
    const sentences = rows.map((row) => `${row.application_name || 'unnamed'}, ${row.state}: ${row.query}`);
    throw new Error(`The test left ${rows.length} database connections open:\n${sentences.join('\n')}`);
  });
}

interface Connection {
  application_name: string;
  state: string;
  query: string;
}

async function openConnections(client: pg.Client, database: string): Promise<Connection[]> {
  const { rows } = await client.query<Connection>(
    `SELECT application_name, state, left(query, 80) AS query FROM pg_stat_activity
     WHERE datname = $1 AND backend_type = 'client backend'`,
    [database],
  );
  return rows;
}

async function withClient(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: 'test-database' });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

function databaseUrl(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}
