import pg from 'pg';
import { createTestBroker } from './test-broker.js';
import { createTestDatabase, type TestDatabaseTemplate } from './test-database.js';

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

describe('a test database', () => {
  test('clones of one template are prepared once and do not see each other', async () => {
    let preparations = 0;
    const template: TestDatabaseTemplate = {
      name: 'test-database.test',
      async prepare(url) {
        preparations += 1;
        await query(url, 'CREATE TABLE things (id int)');
      },
    };
    const [first, second] = await Promise.all([createTestDatabase({ template }), createTestDatabase({ template })]);
    await query(first.url, 'INSERT INTO things VALUES (1)');
    expect(await query(second.url, 'SELECT * FROM things')).toEqual([]);
    expect(preparations).toBe(1);
    await first.drop();
    await second.drop();
  });

  test('a connection left open makes drop reject, and the database goes all the same', async () => {
    const database = await createTestDatabase();
    const client = new pg.Client({ connectionString: database.url, application_name: 'forgotten' });
    client.on('error', () => {});
    await client.connect();
    await expect(database.drop()).rejects.toThrow('forgotten');
    await client.end().catch(() => {});
  });
});

test('two test brokers never share a topic', () => {
  expect(createTestBroker().topic('x')).not.toBe(createTestBroker().topic('x'));
});
