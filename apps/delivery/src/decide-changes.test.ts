import { createDeliveryDatabase, type DeliveryDatabase, WORKSPACE } from './testing/delivery-database.js';
import { aChange, DeliveryHarness, toRecord } from './testing/delivery-harness.js';

const PROFILE = '0a1b2c3d-4e5f-4a0b-8c0d-1e2f3a4b5c6d';

let database: DeliveryDatabase;
let delivery: DeliveryHarness;

beforeAll(async () => {
  database = await createDeliveryDatabase();
  delivery = await DeliveryHarness.open(database);
});

afterAll(async () => {
  await delivery.close();
  await database.drop();
});

const claims = async (automation: string) =>
  (await database.pool.query<{ sequence: number }>('select change_sequence as sequence from delivery.sends where automation = $1 order by 1', [automation])).rows.map(({ sequence }) => sequence);

describe('the stage over membership changes', () => {
  test('claims what an automation waits for and drops the rest', async () => {
    const key = await delivery.addAutomation({ segment: 'stage' });
    const endings = await delivery.change(
      aChange(PROFILE, { segment: 'stage', sequence: 1 }),
      aChange(PROFILE, { segment: 'stage', change: 'left', sequence: 2 }),
      aChange(PROFILE, { segment: 'other', sequence: 3 }),
      aChange(PROFILE, { segment: 'stage', workspace: 'ws_2', sequence: 4 }),
      aChange(PROFILE, { segment: 'stage', cause: 'backfill', sequence: 5 }),
    );
    expect(endings).toEqual(['forward', 'no_automation', 'no_automation', 'no_automation', 'no_automation']);
    expect(await claims(key)).toEqual([1]);
  });

  test.each([
    ['no JSON', Buffer.from('{')],
    ['nothing', null],
    ['a list', Buffer.from('[]')],
    ['null', Buffer.from('null')],
    ['no sequence', Buffer.from(JSON.stringify({ ...aChange(PROFILE), sequence: undefined }))],
    ['a profile that is none', Buffer.from(JSON.stringify(aChange('x')))],
    ['a time that is none', Buffer.from(JSON.stringify(aChange(PROFILE, { processedAt: 'soon' })))],
  ])('parks %s, and goes on with the rest', async (_, value) => {
    const { endings } = await delivery.stage.decide([{ ...toRecord({}), value }, toRecord(aChange(PROFILE, { segment: 'nobody-waits' }))]);
    expect(endings).toEqual([{ ending: 'park', reason: 'malformed_change' }, { ending: 'drop', reason: 'no_automation' }]);
  });

  test('sees an automation from the batch after its creation on, and its end', async () => {
    const change = (sequence: number) => aChange(PROFILE, { segment: 'fresh', sequence });
    expect(await delivery.change(change(1))).toEqual(['no_automation']);
    const key = await delivery.addAutomation({ segment: 'fresh' });
    expect(await delivery.change(change(2))).toEqual(['forward']);
    await delivery.definitions.automations.delete(WORKSPACE, key);
    expect(await delivery.change(change(3))).toEqual(['no_automation']);
    expect(await claims(key)).toEqual([2]);
  });

  test('claims for two automations of one segment, each once, however often the record comes', async () => {
    const keys = [await delivery.addAutomation({ segment: 'both' }), await delivery.addAutomation({ segment: 'both' })];
    const changes = [1, 2, 3].map((sequence) => aChange(PROFILE, { segment: 'both', sequence }));
    await delivery.change(...changes, ...changes);
    await delivery.change(...changes.toReversed());
    for (const key of keys) expect(await claims(key)).toEqual([1, 2, 3]);
  });

  test('an automation turned to another segment does not act on what it did not wait for', async () => {
    const key = await delivery.addAutomation({ segment: 'before', createdMs: 0 });
    const automation = await delivery.definitions.automations.get(WORKSPACE, key);
    await delivery.definitions.automations.replace(WORKSPACE, key, { ...automation, segment: 'after' }, Date.parse('2026-06-01T00:00:00.000Z'));
    await delivery.change(aChange(PROFILE, { segment: 'after', sequence: 1, processedAt: '2026-05-31T23:59:59.999Z' }), aChange(PROFILE, { segment: 'after', sequence: 2, processedAt: '2026-06-01T00:00:00.000Z' }));
    expect(await claims(key)).toEqual([2]);
  });
});
