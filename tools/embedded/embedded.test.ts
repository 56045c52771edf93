import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { findFreePorts } from '../ports.ts';
import { startPostgres } from './postgres.ts';

const dir = mkdtempSync(join(tmpdir(), 'tributary-embedded-'));
afterAll(() => rmSync(dir, { recursive: true }));

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

test('PostgreSQL keeps data and password over a kill, and comes back at the same address', async () => {
  const [port] = await findFreePorts(1);
  const postgres = await startPostgres({ dir, port: port!, settings: { shared_buffers: '32MB' }, supervise: { restart: true } });
  await query(postgres.url, 'CREATE TABLE kept AS SELECT 1 AS one');
  const pid = postgres.pid;
  postgres.process.kill('SIGKILL');
  while (postgres.pid === pid || postgres.pid === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
  await postgres.process.whenReady(20_000);
  expect(await query(postgres.url, 'SELECT * FROM kept')).toEqual([{ one: 1 }]);
  expect(await query(postgres.url, 'SHOW jit')).toEqual([{ jit: 'off' }]);
  await postgres.stop();
  await expect(query(postgres.url, 'SELECT')).rejects.toThrow('ECONNREFUSED');
});
