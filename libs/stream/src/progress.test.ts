import { migrate } from '@tributary/postgres/migrate';
import { createPool, type Pool } from '@tributary/postgres/pool';
import { joinWrites, type Write } from '@tributary/postgres/write';
import { createTestDatabase, type TestDatabase } from '@tributary/testing/test-database';
import { pendingOutbox, insertOutbox } from './outbox.js';
import { claim, fencedStatement, isFenced, type Progress, reread } from './progress.js';
import { streamSchema } from './schema.js';

let database: TestDatabase;
let pool: Pool;
beforeAll(async () => {
  database = await createTestDatabase({ template: { name: 'stream', prepare: (url) => migrate(url, [streamSchema], () => undefined) } });
  pool = createPool({ url: database.url, name: 'progress', max: 4 });
  await pool.query('create table notes (note text)');
});
beforeEach(() => pool.query('truncate stream.progress, stream.outbox, notes'));
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const note = (text: string): Write => ({ text: 'insert into notes values ($1)', values: [text] });
const notes = async () => (await pool.query<{ note: string }>('select note from notes order by 1')).rows.map((row) => row.note);
const take = async (owner: string, partitions = [0, 1]) => (await claim(pool, ['scoring'], partitions, owner)).get('scoring') as ReadonlyMap<number, Progress>;
const step = (from: Progress, nextOffset: number) => ({ stage: 'scoring', from, to: { nextOffset, positions: new Map([[0, { offset: nextOffset - 1, timeMs: 1_000 }]]), outOffset: nextOffset }, watermarkMs: null });

async function commit(advances: Parameters<typeof fencedStatement>[0], writes: readonly Write[]): Promise<'committed' | 'fenced'> {
  try {
    await pool.query(fencedStatement(advances, writes, null));
    return 'committed';
  } catch (error) {
    if (!isFenced(error)) throw error;
    return 'fenced';
  }
}

test('a batch moves all its partitions on, and everything in it happens', async () => {
  const ours = await take('a');
  expect(await commit([step(ours.get(0) as Progress, 10), step(ours.get(1) as Progress, 20)], [note('x'), note('y')])).toBe('committed');
  expect(await notes()).toEqual(['x', 'y']);
  const again = await take('a');
  expect([0, 1].map((partition) => again.get(partition)?.nextOffset)).toEqual([10, 20]);
  expect(again.get(0)?.positions).toEqual(new Map([[0, { offset: 9, timeMs: 1_000 }]]));
  expect(again.get(0)?.outOffset).toBe(10);
});

test('who has an older epoch is refused, with everything in the batch, also for the partitions that are still his', async () => {
  const former = await take('a');
  await take('b', [1]);
  expect(await commit([step(former.get(0) as Progress, 10), step(former.get(1) as Progress, 20)], [note('zombie')])).toBe('fenced');
  expect(await notes()).toEqual([]);
  expect((await take('c')).get(0)?.nextOffset).toBeNull();
});

test('who believes to be elsewhere is refused: no batch counts twice, none is left out', async () => {
  const ours = (await take('a')).get(0) as Progress;
  expect(await commit([step(ours, 10)], [note('first')])).toBe('committed');
  expect(await commit([step(ours, 10)], [note('again')])).toBe('fenced');
  expect(await commit([step({ ...ours, nextOffset: 12 }, 20)], [note('gap')])).toBe('fenced');
  expect(await commit([step({ ...ours, nextOffset: 10 }, 20)], [note('second')])).toBe('committed');
  expect(await notes()).toEqual(['first', 'second']);
});

test('of a commit and a take-over at the same time one comes first, and the other sees it', async () => {
  for (let round = 0; round < 20; round++) {
    await pool.query('truncate stream.progress, notes');
    const ours = (await take('a', [0])).get(0) as Progress;
    const [outcome, theirs] = await Promise.all([commit([step(ours, 10)], [note('x')]), take('b', [0])]);
    expect(theirs.get(0)?.nextOffset).toBe(outcome === 'committed' ? 10 : null);
    expect(await notes()).toEqual(outcome === 'committed' ? ['x'] : []);
  }
});

test('after a lost answer the owner learns where it stands, also while the statement is still under way', async () => {
  const ours = (await take('a', [0])).get(0) as Progress;
  const lost = await pool.connect();
  await lost.query('begin');
  await lost.query(fencedStatement([step(ours, 10)], [note('x')], null));
  const answer = reread(pool, ['scoring'], [0], 'a');
  await new Promise((resolve) => setTimeout(resolve, 50));
  await lost.query('commit');
  lost.release();
  expect((await answer)?.get('scoring')?.get(0)?.nextOffset).toBe(10);
});

test('what the server begins only after the owner has looked again is refused, even where the offset has not moved', async () => {
  const ours = (await take('a', [0])).get(0) as Progress;
  const again = (await reread(pool, ['scoring'], [0], 'a'))?.get('scoring')?.get(0) as Progress;
  expect(await commit([step(ours, 0)], [note('belated')])).toBe('fenced');
  expect(await commit([step(again, 10)], [note('again')])).toBe('committed');
  expect(await notes()).toEqual(['again']);
});

test('who is no owner any more is told so', async () => {
  await take('a');
  expect(await reread(pool, ['scoring'], [0, 1], 'a')).not.toBeNull();
  await take('b', [1]);
  expect(await reread(pool, ['scoring'], [0, 1], 'a')).toBeNull();
  expect(await reread(pool, ['scoring'], [0], 'a')).not.toBeNull();
});

test('what waits to be sent is found by whoever takes over one of its partitions, oldest first', async () => {
  for (const [partitions, value] of [[[0, 1], 'first'], [[1], 'second'], [[2], 'third']] as const) {
    await pool.query(joinWrites([insertOutbox('scoring', [...partitions], [{ topic: 't', key: null, value: Buffer.from(value) }])]));
  }
  const found = async (partitions: number[]) => (await pendingOutbox(pool, 'scoring', partitions)).map(({ records }) => records[0]?.value?.toString());
  expect(await found([1])).toEqual(['first', 'second']);
  expect(await found([0, 2])).toEqual(['first', 'third']);
  expect(await pendingOutbox(pool, 'segmentation', [0, 1, 2])).toEqual([]);
});
