import { DataSource, type MigrationInterface } from 'typeorm';
import pg from 'pg';

/** A service's schema and role, and what brings the schema up to date, in order. */
export interface ServiceSchema {
  readonly schema: string;
  readonly role: string;
  readonly migrations: readonly (new () => MigrationInterface)[];
}

/** Any number that nothing else locks on: two migrators at once wait for each other. */
const MIGRATION_LOCK = 7_243_190_021;

/**
 * Makes roles and schemas and runs what is missing of each service's migrations, in the order given. Safe to run by
 * several processes at once and any number of times.
 * @param url a database owner's connection
 */
export async function migrate(url: string, services: readonly ServiceSchema[], report: (line: string) => void): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: 'migrate' });
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    for (const service of services) await makeRoleAndSchema(client, service);
    for (const service of services) {
      // While it migrates, and only then, a service may make schemas beside its own (`rules`, `analytics`).
      await client.query(`do $$ begin execute format('grant create on database %I to ${service.role}', current_database()); end $$`);
      await runMigrations(url, service, report);
      await client.query(`do $$ begin execute format('revoke create on database %I from ${service.role}', current_database()); end $$`);
    }
    await grantCompact(client, services);
  } finally {
    await client.end();
  }
}

export const COMPACT_ROLE = 'tributary_compact';

async function makeRoleAndSchema(client: pg.Client, { schema, role }: ServiceSchema): Promise<void> {
  await makeRole(client, role);
  await client.query(`create schema if not exists ${schema} authorization ${role}`);
}

async function makeRole(client: pg.Client, role: string): Promise<void> {
  const { rowCount } = await client.query('select 1 from pg_roles where rolname = $1', [role]);
  if (rowCount === 0) await client.query(`create role ${role} nologin`);
  await client.query(`grant ${role} to current_user`);
}

async function runMigrations(url: string, { schema, role, migrations }: ServiceSchema, report: (line: string) => void): Promise<void> {
  const source = new DataSource({
    type: 'postgres',
    url,
    schema,
    migrations: [...migrations],
    migrationsTableName: 'migrations',
    // Tables belong to the service's role, so that a service can alter its own partitions and nothing else.
    extra: { options: `-c role=${role} -c search_path=${schema}` },
  });
  await source.initialize();
  try {
    const ran = await source.runMigrations({ transaction: 'each' });
    for (const migration of ran) report(`${schema}: ${migration.name}`);
  } finally {
    await source.destroy();
  }
}

/** The compact layout runs several services in one process, under a role that is a member of theirs. */
async function grantCompact(client: pg.Client, services: readonly ServiceSchema[]): Promise<void> {
  await makeRole(client, COMPACT_ROLE);
  for (const { role } of services) await client.query(`grant ${role} to ${COMPACT_ROLE}`);
}
