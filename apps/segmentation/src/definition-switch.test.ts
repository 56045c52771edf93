import { LIST_MEMBERSHIP_CHANGED } from '@tributary/contracts/own-events';
import { compileEngine } from '@tributary/domain/segmentation/engine';
import { compilePattern } from './compile-pattern.js';
import { findNextFlip } from './find-next-flip.js';
import { foreseeScore } from './replay-scores.js';
import { SegmentsStore } from './segments.postgres.js';
import { anEvent, aProfile, NOON_MS, saveSegment } from './testing/a-segment.js';
import { FoldDriver } from './testing/fold-driver.js';
import { createSegmentationDatabase, type SegmentationDatabase } from './testing/segmentation-database.js';

jest.setTimeout(60_000);

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const BUYERS = { performed: 'Order Completed' } as const;

let database: SegmentationDatabase;
let segments: SegmentsStore;
let driver: FoldDriver;

beforeEach(async () => {
  database = await createSegmentationDatabase();
  await database.pool.query("insert into ingestion.workspaces_public values ('ws_a', 'A', 'UTC')");
  segments = new SegmentsStore(database.pool, () => NOON_MS);
  driver = new FoldDriver(database);
});

afterEach(() => database.drop());

const told = (): string[] => driver.changes.map(({ change, segment, profileId, cause }) => `${Number(profileId.slice(-12))} ${change} ${segment} ${cause}`);
const sequences = (profile: number): number[] => driver.changes.filter(({ profileId }) => profileId === aProfile(profile)).map(({ sequence }) => sequence);
const members = async (): Promise<number> => (await database.pool.query<{ n: number }>('select count(*) as n from segmentation.memberships')).rows[0]!.n;
const people = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

describe('a new segment over existing history', () => {
  test('takes in who qualifies, with cause "backfill", and nobody else', async () => {
    await driver.apply(anEvent(1, NOON_MS), anEvent(2, NOON_MS, { name: 'Product Viewed' }));
    await saveSegment(segments, 'buyers', BUYERS);
    await driver.prepareAll();
    expect(told()).toEqual(['1 entered buyers backfill']);
  });

  test('a rule of "not" does not flash anybody in before the history is there', async () => {
    await driver.apply(anEvent(1, NOON_MS), anEvent(2, NOON_MS, { name: 'Product Viewed' }));
    await saveSegment(segments, 'others', { not: BUYERS });
    await driver.prepareAll();
    expect(told()).toEqual(['2 entered others backfill']);
  });

  test('live entries between two chunks count once, on either side of the cursor', async () => {
    const count = 300;
    await driver.apply(...people(count).map((person) => anEvent(person, NOON_MS, { name: 'Product Viewed' })));
    await saveSegment(segments, 'buyers', BUYERS);
    await driver.prepare();
    const ids = people(count).sort((left, right) => (aProfile(left) < aProfile(right) ? -1 : 1));
    await driver.apply(anEvent(ids[0]!, NOON_MS + 1), anEvent(ids[count - 1]!, NOON_MS + 1));
    expect(told()).toEqual([`${ids[0]} entered buyers event`]);
    await driver.prepareAll();
    expect(told()).toEqual([`${ids[0]} entered buyers event`, `${ids[count - 1]} entered buyers backfill`]);
  });

  test('what becomes known of people whose history was read ahead counts, and so do people who are new among them', async () => {
    const count = 600;
    await driver.apply(...people(count).map((person) => anEvent(person, NOON_MS, { name: 'Product Viewed' })));
    await saveSegment(segments, 'buyers', BUYERS);
    const ids = people(count).sort((left, right) => (aProfile(left) < aProfile(right) ? -1 : 1));
    const newcomer = people(5_000).find((person) => person > count && aProfile(person) > aProfile(ids[200]!) && aProfile(person) < aProfile(ids[210]!))!;
    await driver.prepare();
    await driver.apply(anEvent(ids[205]!, NOON_MS + 1), anEvent(newcomer, NOON_MS + 1), anEvent(newcomer, NOON_MS + 2));
    expect(told()).toEqual([]);
    await driver.prepareAll();
    expect(told().sort()).toEqual([`${ids[205]} entered buyers backfill`, `${newcomer} entered buyers backfill`].sort());
    await driver.apply(anEvent(ids[206]!, NOON_MS + 3));
    expect(told()).toHaveLength(3);
  });

  test('a crash in the middle goes on at the cursor and tells everybody once', async () => {
    const count = 600;
    await driver.apply(...people(count).map((person) => anEvent(person, NOON_MS)));
    await saveSegment(segments, 'buyers', BUYERS);
    await driver.prepare();
    const moved = driver.changes.length;
    expect(moved).toBeGreaterThan(0);
    expect(moved).toBeLessThan(count);
    await driver.prepare({ dies: true });
    expect(driver.changes).toHaveLength(moved);
    await driver.prepareAll();
    expect(new Set(driver.changes.map(({ profileId }) => profileId)).size).toBe(count);
    expect(driver.changes).toHaveLength(count);
    expect(await members()).toBe(count);
  });
});

describe('an edit', () => {
  beforeEach(async () => {
    await saveSegment(segments, 'buyers', { ...BUYERS, count: { op: 'gte', value: 2 } });
    await driver.prepareAll();
    await driver.apply(anEvent(1, NOON_MS), anEvent(1, NOON_MS + 1), anEvent(2, NOON_MS), anEvent(3, NOON_MS), anEvent(3, NOON_MS + 1), anEvent(3, NOON_MS + 2));
    driver.changes.length = 0;
  });

  test('emits exactly new − old, at the watermark', async () => {
    await saveSegment(segments, 'buyers', { ...BUYERS, count: { op: 'between', value: [1, 2] } }, { version: 2 });
    await driver.prepareAll();
    expect(told().sort()).toEqual(['2 entered buyers definition', '3 left buyers definition']);
    expect(driver.changes.every(({ effectiveAt, definitionVersion }) => effectiveAt === new Date(NOON_MS + 2).toISOString() && definitionVersion === 2)).toBe(true);
    expect([sequences(1), sequences(2), sequences(3)]).toEqual([[], [1], [2]]);
  });

  test('that means the same emits nothing', async () => {
    await saveSegment(segments, 'buyers', { ...BUYERS, count: { op: 'gte', value: 2 } }, { version: 2 });
    await driver.prepareAll();
    expect(told()).toEqual([]);
  });

  test('to paused lets everybody leave', async () => {
    await saveSegment(segments, 'buyers', BUYERS, { version: 2, paused: true });
    await driver.prepareAll();
    expect(told().sort()).toEqual(['1 left buyers definition', '3 left buyers definition']);
    expect(await members()).toBe(0);
  });
});

describe('the topic of definitions', () => {
  const toldNow = (): unknown[] => driver.definitions.splice(0).map(({ topic, key, value }) => [topic, String(key), value === null ? null : JSON.parse(String(value))]);

  test('tells each definition once it is followed, what changed after an edit, and null after the end', async () => {
    const told = (key: string, version: number, definitionsVersion: number, rule: object) => ['segments.defined', `ws_a/${key}`, { workspace: 'ws_a', segment: key, version, definitionsVersion, rule, stay: null }];
    await driver.apply(anEvent(1, NOON_MS));
    await saveSegment(segments, 'buyers', BUYERS);
    await driver.prepareAll();
    expect(toldNow()).toEqual([told('buyers', 1, 1, BUYERS)]);
    await saveSegment(segments, 'others', { not: BUYERS });
    await driver.prepareAll();
    expect(toldNow()).toEqual([told('others', 1, 2, { not: BUYERS })]);
    await saveSegment(segments, 'buyers', { ...BUYERS, within: '1d' }, { version: 2 });
    await saveSegment(segments, 'others', { not: BUYERS }, { version: 2, paused: true });
    await driver.prepareAll();
    expect(toldNow()).toEqual([['segments.defined', 'ws_a/others', null], told('buyers', 2, 4, { ...BUYERS, within: '1d' })]);
    await driver.prepareAll();
    expect(toldNow()).toEqual([]);
  });
});

describe('what changes elsewhere', () => {
  test('a new time zone moves calendar windows, and nothing else', async () => {
    await saveSegment(segments, 'today', { ...BUYERS, within: '1d', calendar: true } as never);
    await driver.prepareAll();
    // What happened at 23:00 UTC was yesterday two hours later, but not in Tokyo.
    await driver.apply(anEvent(1, NOON_MS + 11 * 60 * MINUTE_MS));
    await driver.passTime(NOON_MS + 13 * 60 * MINUTE_MS);
    driver.changes.length = 0;
    await database.pool.query("update ingestion.workspaces_public set timezone = 'Asia/Tokyo'");
    await segments.renewContexts();
    await driver.prepareAll();
    expect(told()).toEqual(['1 entered today definition']);
  });
});

describe('static lists', () => {
  const listed = (profile: number, atMs: number, member: boolean, number = 1) => {
    const { message } = driver.lists.message('ws_a', aProfile(profile), { list: 'vips', member, number, atMs });
    return anEvent(profile, atMs, { name: LIST_MEMBERSHIP_CHANGED, messageId: message.messageId, properties: message['properties'] as object });
  };
  const stays = async (): Promise<unknown[]> => (await database.pool.query('select from_ms - $1 as "from", to_ms - $1 as "to" from segmentation.list_members order by 1', [NOON_MS])).rows as unknown[];

  test('put people in and out as the log says, and the stays are kept for SQL', async () => {
    await saveSegment(segments, 'listed', { list: 'vips' });
    await driver.prepareAll();
    await driver.apply(listed(1, NOON_MS, true));
    await driver.apply(listed(1, NOON_MS + 5, true, 2));
    await driver.apply(listed(1, NOON_MS + 10, false, 3), listed(1, NOON_MS + 20, true, 4), listed(1, NOON_MS + 30, false, 5));
    expect(told()).toEqual(['1 entered listed event', '1 left listed event', '1 entered listed event', '1 left listed event']);
    expect(await stays()).toEqual([{ from: 0, to: 10 }, { from: 20, to: 30 }]);
  });

  test('an event of that name without our signature puts nobody on a list', async () => {
    await saveSegment(segments, 'listed', { list: 'vips' });
    await driver.prepareAll();
    await driver.apply(anEvent(1, NOON_MS, { name: LIST_MEMBERSHIP_CHANGED, properties: { list: 'vips', member: true, signature: 'forged' } }));
    const { body } = listed(1, NOON_MS, true);
    await driver.apply({ ...listed(2, NOON_MS, true), body });
    expect(told()).toEqual([]);
    expect(await stays()).toEqual([]);
  });

  test('a segment that is made later finds them, and one with memory replays them', async () => {
    await driver.apply(listed(1, NOON_MS, true), listed(2, NOON_MS, true), listed(2, NOON_MS + 1, false, 2));
    await saveSegment(segments, 'listed', { list: 'vips' });
    await saveSegment(segments, 'ever-listed', { list: 'vips' }, { stay: { performed: LIST_MEMBERSHIP_CHANGED } });
    await driver.prepareAll();
    expect(told().sort()).toEqual(['1 entered ever-listed backfill', '1 entered listed backfill', '2 entered ever-listed backfill']);
  });
});

describe('when a score rule flips by time alone', () => {
  const rule = { score: 'engagement', op: 'gte', value: 6 } as const;
  const engine = compileEngine({ segments: [{ key: 'engaged', version: 1, rule }], compilePattern });
  const view = (atMs: number) => ({ profileId: aProfile(1), messageId: `v${atMs}`, type: 'page', name: 'page', timestampMs: atMs, appendedAtMs: atMs, body: '{}' });

  test('is the instant at which the score will have fallen, not never', () => {
    const views = [0, 60, 120].map((minutes) => view(NOON_MS + minutes * MINUTE_MS));
    const atMs = NOON_MS + 180 * MINUTE_MS;
    const state = engine.newState(aProfile(1));
    // Three sessions are 9 points, two are 6.
    engine.apply(state, { kind: 'score', appendedAtMs: NOON_MS + 120 * MINUTE_MS, scores: { engagement: 9_000_000 } });
    expect(engine.explain(state, 'engaged', atMs)).toMatchObject({ member: true, flipsAtMs: null });
    const flipsAtMs = findNextFlip(engine, state, { segment: 'engaged', atMs, steps: foreseeScore(views, atMs) });
    expect(flipsAtMs).toBe(NOON_MS + 60 * MINUTE_MS + 7 * DAY_MS);
  });

  test('is never where the score will not fall', () => {
    const state = engine.newState(aProfile(1));
    engine.apply(state, { kind: 'score', appendedAtMs: NOON_MS, scores: { engagement: 9_000_000 } });
    expect(findNextFlip(engine, state, { segment: 'engaged', atMs: NOON_MS, steps: [] })).toBeNull();
  });
});
