import type { Entry } from '@tributary/contracts/entry';
import { encodeStraggler } from '@tributary/contracts/straggler';
import type { Transfer } from '@tributary/contracts/transfer';
import { HELD_MAX } from './held-entries.js';
import { SegmentsStore } from './segments.postgres.js';
import { anEvent, aProfile, NOON_MS, saveSegment } from './testing/a-segment.js';
import { FoldDriver } from './testing/fold-driver.js';
import { createSegmentationDatabase, type SegmentationDatabase } from './testing/segmentation-database.js';

jest.setTimeout(60_000);

const ADA = 1;
const BOB = 2;
const CLEO = 3;

let database: SegmentationDatabase;
let driver: FoldDriver;

beforeEach(async () => {
  database = await createSegmentationDatabase();
  await database.pool.query("insert into ingestion.workspaces_public values ('ws_a', 'A', 'UTC')");
  driver = new FoldDriver(database);
  const segments = new SegmentsStore(database.pool, () => NOON_MS);
  await saveSegment(segments, 'active', { performed: 'Clicked', within: '3s' });
  await saveSegment(segments, 'twice', { performed: 'Clicked', within: '1h', count: { op: 'gte', value: 2 } });
  await driver.prepareAll();
});

afterEach(() => database.drop());

const at = (seconds: number): number => NOON_MS + seconds * 1_000;
const click = (profile: number, seconds: number): Entry => anEvent(profile, at(seconds), { name: 'Clicked' });

/** A control entry as scoring forwards it. */
function control(kind: 'merged' | 'merging' | 'transfer', seconds: number, { profile, other, body }: { profile: number; other?: number; body?: object }): Entry {
  return {
    ...anEvent(profile, at(seconds)), kind, type: '', name: '', ...(other === undefined ? {} : { other: aProfile(other) }),
    body: body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(body)),
  };
}

const handedOver = (loser: number, survivor: number, more: Partial<Transfer> = {}): Transfer =>
  ({ workspace: 'ws_a', survivor: aProfile(survivor), loser: aProfile(loser), states: { scoring: 'x' }, stragglers: [], ...more });

/** Both entries of a merge; the answer is the loser's state, for `arrives`. */
async function merge(loser: number, survivor: number, seconds: number): Promise<Transfer> {
  await driver.apply(control('merged', seconds, { profile: loser, other: survivor, body: handedOver(loser, survivor) }), control('merging', seconds, { profile: survivor, other: loser }));
  return driver.transfers.at(-1) as Transfer;
}

const arrives = (transfer: Transfer, seconds: number, profile = ADA) => driver.apply(control('transfer', seconds, { profile, body: transfer }));

async function crash(): Promise<void> {
  driver.restart();
  await driver.prepareAll();
}

const toldOf = (profile: number): string[] => driver.changes.filter(({ profileId }) => profileId === aProfile(profile))
  .map(({ change, segment, cause, effectiveAt }) => `${(Date.parse(effectiveAt) - NOON_MS) / 1_000} ${change} ${segment} ${cause}`);

test('a merge puts nobody out whom the other profile kept in, however late its state comes', async () => {
  await driver.apply(click(ADA, 0), click(BOB, 2));
  const ofBob = await merge(BOB, ADA, 2.5);
  await driver.passTime(at(10));
  await arrives(ofBob, 10);
  expect(toldOf(ADA)).toEqual(['0 entered active event', '2.5 entered twice merge', '5 left active time']);
  expect(toldOf(BOB)).toEqual(['2 entered active event', '2.5 left active merge']);
});

test('what happens to the survivor meanwhile is applied at its own instant, after the union', async () => {
  await driver.apply(click(ADA, 0), click(BOB, 2));
  const ofBob = await merge(BOB, ADA, 2.5);
  await driver.apply(anEvent(ADA, at(4), { name: 'Looked' }), click(ADA, 4.5));
  await driver.passTime(at(9));
  expect(toldOf(ADA)).toEqual(['0 entered active event']);
  await arrives(ofBob, 9);
  expect(toldOf(ADA)).toEqual(['0 entered active event', '2.5 entered twice merge', '7.5 left active time']);
});

test('the one who takes over after a crash knows what waits', async () => {
  await driver.apply(click(ADA, 0), click(BOB, 2));
  const ofBob = await merge(BOB, ADA, 2.5);
  await driver.apply(click(ADA, 4));
  await crash();
  await driver.apply(click(ADA, 4.5));
  await crash();
  await arrives(ofBob, 9);
  expect(toldOf(ADA)).toEqual(['0 entered active event', '2.5 entered twice merge', '7.5 left active time']);
  expect((await database.pool.query('select 1 from segmentation.held')).rowCount).toBe(0);
});

test('of two states the last one lets time go on, whichever that is', async () => {
  await driver.apply(click(ADA, 0), click(BOB, 1), click(CLEO, 2));
  const ofBob = await merge(BOB, ADA, 2.2);
  const ofCleo = await merge(CLEO, ADA, 2.4);
  await arrives(ofCleo, 6);
  expect(toldOf(ADA)).toEqual(['0 entered active event']);
  await arrives(ofBob, 7);
  expect(toldOf(ADA)).toEqual(['0 entered active event', '2.2 entered twice merge', '5 left active time']);
});

test('a state that is itself still waited for, as scoring says with another one, is waited for', async () => {
  await driver.apply(click(ADA, 0), click(BOB, 1), click(CLEO, 2));
  const ofBob = await merge(BOB, ADA, 2.2);
  const ofCleo = await merge(CLEO, BOB, 2.3);
  await arrives({ ...ofBob, awaiting: [aProfile(CLEO)] }, 4);
  await driver.passTime(at(6));
  expect(toldOf(ADA)).toEqual(['0 entered active event']);
  await arrives({ ...ofCleo, survivor: aProfile(ADA) }, 7);
  expect(toldOf(ADA)).toEqual(['0 entered active event', '2.2 entered twice merge', '5 left active time']);
});

test('a chained announcement without a state of ours makes the survivor wait, too', async () => {
  await driver.apply(click(ADA, 0), click(CLEO, 2));
  await arrives(handedOver(BOB, ADA, { awaiting: [aProfile(CLEO)] }), 2.5);
  await driver.passTime(at(6));
  expect(toldOf(ADA)).toEqual(['0 entered active event']);
});

test('one whose state has overtaken its announcement is not waited for', async () => {
  await driver.apply(click(ADA, 0), control('merging', 1, { profile: ADA }));
  await driver.passTime(at(4));
  expect(toldOf(ADA)).toEqual(['0 entered active event', '3 left active time']);
});

test('an event that reached the loser too late counts from the transfer that brings it', async () => {
  await driver.apply(click(ADA, 0), click(BOB, 0.5));
  const ofBob = await merge(BOB, ADA, 1);
  await arrives(ofBob, 1.2);
  await arrives(handedOver(BOB, ADA, { states: {}, stragglers: [encodeStraggler(click(BOB, 2))] }), 4.2);
  expect(toldOf(ADA)).toEqual(['0 entered active event', '1 entered twice merge', '3.5 left active time', '4.2 entered active merge']);
});

test('who gets more events than can be held goes on without the state; it is united when it comes', async () => {
  await driver.apply(click(ADA, 0), click(BOB, 1));
  const ofBob = await merge(BOB, ADA, 2);
  await driver.apply(...Array.from({ length: HELD_MAX }, () => anEvent(ADA, at(2.1), { name: 'Looked' })));
  await driver.passTime(at(3.5));
  expect(toldOf(ADA)).toEqual(['0 entered active event', '3 left active time']);
  await arrives(ofBob, 3.6);
  expect(toldOf(ADA).slice(2)).toEqual(['3.6 entered active merge', '3.6 entered twice merge']);
});
