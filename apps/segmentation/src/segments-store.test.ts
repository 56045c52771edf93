import { aProfile, NOON_MS, saveSegment } from './testing/a-segment.js';
import { createSegmentationDatabase, type SegmentationDatabase } from './testing/segmentation-database.js';
import { DefinitionsStore } from './definitions.postgres.js';
import { SegmentsStore } from './segments.postgres.js';

jest.setTimeout(60_000);

let database: SegmentationDatabase;
let store: SegmentsStore;
let definitions: DefinitionsStore;

beforeAll(async () => {
  database = await createSegmentationDatabase();
  store = new SegmentsStore(database.pool, () => NOON_MS);
  definitions = new DefinitionsStore(database.pool);
  await database.pool.query("insert into ingestion.workspaces_public values ('ws_a', 'A', 'UTC'), ('ws_b', 'B', 'UTC')");
});

afterAll(() => database.drop());

const newest = async (): Promise<number | undefined> => (await definitions.newest()).get('ws_a');

describe('definitions versions', () => {
  test('each change makes one, complete in itself', async () => {
    await saveSegment(store, 'vip', { trait: 'plan', op: 'equals', value: 'pro' });
    await saveSegment(store, 'new', { performed: 'Signed Up' });
    expect(await definitions.load('ws_a', 1)).toMatchObject({ timezone: 'UTC', segments: [{ key: 'vip', version: 1 }] });
    expect(await definitions.load('ws_a', 2)).toMatchObject({ segments: [{ key: 'vip' }, { key: 'new' }] });
  });

  test('leave paused segments out', async () => {
    await saveSegment(store, 'new', { performed: 'Signed Up' }, { paused: true, version: 2 });
    expect((await definitions.load('ws_a', 3)).segments.map(({ key }) => key)).toEqual(['vip']);
  });

  test('a refused change makes none', async () => {
    await expect(store.change('ws_a', () => { throw new Error('refused'); })).rejects.toThrow('refused');
    expect(await newest()).toBe(3);
  });

  test('two changes at once see each other', async () => {
    const seen: number[] = [];
    await Promise.all(['one', 'two'].map((key) => store.change('ws_b', (current) => {
      seen.push(current.length);
      return { kind: 'put', segment: { workspace: 'ws_b', key, name: key, description: '', rule: { performed: 'X' }, stay: null, version: 1, paused: false, createdMs: NOON_MS, updatedMs: NOON_MS } };
    })));
    expect(seen).toEqual([0, 1]);
    expect((await definitions.load('ws_b', 2)).segments).toHaveLength(2);
  });
});

describe('what rules are compiled with besides themselves', () => {
  test('makes no version while nothing changed', async () => {
    expect(await store.renewContexts()).toEqual([]);
    expect(await newest()).toBe(3);
  });

  test('a new time zone makes a version with the same segments, in that workspace only', async () => {
    await database.pool.query("update ingestion.workspaces_public set timezone = 'Europe/Berlin' where workspace = 'ws_a'");
    expect(await store.renewContexts()).toEqual(['ws_a']);
    expect(await definitions.load('ws_a', 4)).toMatchObject({ timezone: 'Europe/Berlin', segments: [{ key: 'vip' }] });
    expect(await store.renewContexts()).toEqual([]);
  });

  test('a policy that changed makes a version', async () => {
    await database.pool.query("insert into consent.purposes_public values ('ws_a', 'email_marketing', 'opt-in')");
    expect(await store.renewContexts()).toEqual(['ws_a']);
    await database.pool.query("update consent.purposes_public set policy = 'opt-out'");
    expect(await store.renewContexts()).toEqual(['ws_a']);
    expect((await definitions.load('ws_a', 6)).purposes).toEqual({ email_marketing: 'opt-out' });
  });

  test('instances that notice at once make one version together', async () => {
    await database.pool.query("update ingestion.workspaces_public set timezone = 'Asia/Tokyo' where workspace = 'ws_a'");
    const made = await Promise.all([store.renewContexts(), store.renewContexts(), store.renewContexts()]);
    expect(made.flat()).toEqual(['ws_a']);
    expect(await newest()).toBe(7);
  });
});

describe('views for analysts', () => {
  beforeAll(async () => {
    const { pool } = database;
    await pool.query("insert into scoring.profiles_public select 'ws_a', p, 0, '{\"plan\":\"pro\"}', '{}', '{\"engagement\":52500000}', null, $2, $2 from unnest($1::uuid[]) p", [[1, 2, 3].map(aProfile), NOON_MS]);
    const members = [['vip', 1], ['vip', 2], ['new', 2], ['new', 3]] as const;
    await pool.query("insert into segmentation.memberships select 'ws_a', s, p, $3, 1 from unnest($1::text[], $2::uuid[]) m(s, p)", [members.map(([key]) => key), members.map(([, number]) => aProfile(number)), NOON_MS]);
  });

  const read = async (query: string): Promise<unknown[]> => (await database.pool.query(query)).rows as unknown[];

  test('members say since when', async () => {
    expect(await read("select segment, segment_name, since from analytics.segment_members where segment = 'vip' limit 1")).toEqual([{ segment: 'vip', segment_name: 'vip', since: new Date(NOON_MS) }]);
  });

  test('the matrix has each profile beside each segment, member or not', async () => {
    expect(await read('select segment, is_member, engagement::float, traits from analytics.segmentation_matrix order by profile_id, segment limit 2')).toEqual([
      { segment: 'new', is_member: false, engagement: 52.5, traits: { plan: 'pro' } },
      { segment: 'vip', is_member: true, engagement: 52.5, traits: { plan: 'pro' } },
    ]);
  });

  test('overlap counts who is in both', async () => {
    expect(await read("select segment_size, other_size, both_size, share_of_segment::float as share, jaccard::float from analytics.segment_overlap where segment = 'vip' and other = 'new'"))
      .toEqual([{ segment_size: 2, other_size: 2, both_size: 1, share: 0.5, jaccard: 0.3333 }]);
  });

  test.each(['segment_changes', 'profiles', 'events'])('%s can be read', async (view) => {
    await expect(read(`select * from analytics.${view}`)).resolves.toBeDefined();
  });
});
