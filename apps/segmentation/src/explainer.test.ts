import { DefinitionsStore } from './definitions.postgres.js';
import { Explainer } from './explainer.js';
import { History } from './history.postgres.js';
import { MembersStore } from './members.postgres.js';
import { ProfileRecords } from './profile-records.postgres.js';
import { SegmentsStore } from './segments.postgres.js';
import { anEvent, aProfile, NOON_MS, saveSegment } from './testing/a-segment.js';
import { FoldDriver } from './testing/fold-driver.js';
import { createSegmentationDatabase, type SegmentationDatabase } from './testing/segmentation-database.js';

jest.setTimeout(60_000);

let database: SegmentationDatabase;
let driver: FoldDriver;

beforeAll(async () => {
  database = await createSegmentationDatabase();
  await database.pool.query("insert into ingestion.workspaces_public values ('ws_a', 'A', 'UTC')");
  driver = new FoldDriver(database);
});

afterAll(() => database.drop());

const order = { performed: 'Order Completed', within: '1h' } as const;

test.each([
  ['a count', order],
  ['a sum', { ...order, aggregate: { fn: 'sum', property: 'revenue' }, op: 'gt', value: 1 }],
  ['distinct values', { ...order, aggregate: { fn: 'distinct', property: 'revenue' }, op: 'gte', value: 1 }],
  ['a sequence', { sequence: [{ performed: 'Order Completed' }, { performed: 'Order Refunded' }], within: '1h' }],
])('%s is explained by events with their message ids', async (kind, rule) => {
  const segment = kind.replaceAll(' ', '-');
  const { pool } = database;
  const person = segment.length;
  await saveSegment(new SegmentsStore(pool, () => NOON_MS), segment, rule as never);
  await driver.prepareAll();
  await driver.apply(anEvent(person, NOON_MS, { messageId: `ordered-${segment}`, properties: { revenue: 5 } }), anEvent(person, NOON_MS + 1, { name: 'Order Refunded', messageId: `refunded-${segment}` }));
  const explainer = new Explainer({
    pool, partitions: 1, store: new DefinitionsStore(pool), records: new ProfileRecords(pool), members: new MembersStore(pool, 1), history: new History(pool, driver.lists),
  });
  const { member, why } = (await explainer.explain('ws_a', segment, aProfile(person))) as { member: boolean; why: { events: { messageId: string | null }[] } };
  expect(member).toBe(true);
  expect(why.events.map(({ messageId }) => messageId)).toEqual([`ordered-${segment}`, ...(kind === 'a sequence' ? [`refunded-${segment}`] : [])]);
});
