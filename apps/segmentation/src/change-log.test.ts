import { SegmentsStore } from './segments.postgres.js';
import { anEvent, NOON_MS, saveSegment } from './testing/a-segment.js';
import { FoldDriver } from './testing/fold-driver.js';
import { createSegmentationDatabase, type SegmentationDatabase } from './testing/segmentation-database.js';

jest.setTimeout(60_000);

const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

let database: SegmentationDatabase;
let driver: FoldDriver;

beforeEach(async () => {
  database = await createSegmentationDatabase();
  await database.pool.query("insert into ingestion.workspaces_public values ('ws_a', 'A', 'UTC')");
  driver = new FoldDriver(database);
  await saveSegment(new SegmentsStore(database.pool, () => NOON_MS), 'buyers', { performed: 'Order Completed', within: '1m' });
  await driver.prepareAll();
});

afterEach(() => database.drop());

test('the record of a change says the version of its form, its workspace, and the trace of the event that did it', async () => {
  await driver.apply({ ...anEvent(1, NOON_MS), traceparent: TRACE });
  expect(driver.records.map(({ headers }) => headers)).toEqual([{ 'schema-version': '1', workspace: 'ws_a', traceparent: TRACE }]);
});

test('what time did, and an event without a trace, belong to traces of their own', async () => {
  await driver.apply({ ...anEvent(1, NOON_MS), traceparent: TRACE }, anEvent(2, NOON_MS));
  await driver.passTime(NOON_MS + 60_001);
  const traces = driver.records.map(({ headers }) => headers!['traceparent']!);
  expect(traces).toHaveLength(4);
  expect(new Set(traces).size).toBe(4);
  for (const trace of traces) expect(trace).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
});
