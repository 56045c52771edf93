import { SegmentsStore } from './segments.postgres.js';
import { JOURNALED_BYTES_MIN } from './state-journal.js';
import { anEvent, NOON_MS, saveSegment } from './testing/a-segment.js';
import { FoldDriver } from './testing/fold-driver.js';
import { createSegmentationDatabase, type SegmentationDatabase } from './testing/segmentation-database.js';

jest.setTimeout(60_000);

let database: SegmentationDatabase;
let driver: FoldDriver;

beforeEach(async () => {
  database = await createSegmentationDatabase();
  await database.pool.query("insert into ingestion.workspaces_public values ('ws_a', 'A', 'UTC')");
  driver = new FoldDriver(database);
  await saveSegment(new SegmentsStore(database.pool, () => NOON_MS), 'spenders', { performed: 'Order Completed', within: '1h', aggregate: { fn: 'sum', property: 'total' }, op: 'gte', value: 1_000_000 });
  await driver.prepareAll();
});

afterEach(() => database.drop());

const stored = async () => (await database.pool.query(`
  select octet_length(p.state) as bytes, p.sequence, (select count(*)::int from segmentation.state_journal j where j.profile_id = p.profile_id) as chunks
  from segmentation.profiles p`)).rows[0] as { bytes: number; sequence: number; chunks: number };

/** One order a second. */
async function order(from: number, count: number, total: number): Promise<void> {
  await driver.apply(...Array.from({ length: count }, (_, index) => anEvent(1, NOON_MS + (from + index) * 1_000, { properties: { total } })));
}

test('a large state is not written anew for an event, until what came since is as large itself', async () => {
  await order(0, 1_000, 1);
  const copy = await stored();
  expect(copy.bytes).toBeGreaterThan(JOURNALED_BYTES_MIN);
  await order(1_000, 1, 1);
  await order(1_001, 1, 1);
  expect(await stored()).toMatchObject({ bytes: copy.bytes, chunks: 2 });
  for (let from = 1_002; (await stored()).chunks > 0; from += 10) await order(from, 10, 1);
  expect((await stored()).bytes).toBeGreaterThan(copy.bytes);
});

test('who takes over knows what came since, and what time did: nothing is told twice or forgotten', async () => {
  await order(0, 1_000, 1);
  await order(1_000, 1, 1_000_000);
  expect(await stored()).toMatchObject({ chunks: 1, sequence: 1 });
  driver.restart();
  await driver.prepareAll();
  await order(1_001, 1, 1);
  expect(driver.changes.map(({ change }) => change)).toEqual(['entered']);
  await driver.passTime(NOON_MS + 1_000_000 + 3_600_001);
  expect(driver.changes.map(({ change, sequence }) => [change, sequence])).toEqual([['entered', 1], ['left', 2]]);
  expect(Date.parse(driver.changes[1]!.effectiveAt)).toBe(NOON_MS + 1_000_000 + 3_600_000);
  driver.restart();
  await driver.prepareAll();
  await order(5_000, 1, 1);
  await driver.passTime(NOON_MS + 5_000_000);
  expect(driver.changes).toHaveLength(2);
  expect(await stored()).toMatchObject({ sequence: 2 });
});
