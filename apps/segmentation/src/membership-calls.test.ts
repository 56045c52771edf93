import 'reflect-metadata';
import { segmentsChanged } from '@tributary/contracts/topics/segments-changed';
import { aProfile, NOON_MS } from './testing/a-segment.js';
import { RunningApi, STRANGERS_KEY } from './testing/create-api.js';
import { MembershipClient } from './testing/membership-client.js';

// Real servers, on a machine that may be busy.
jest.setTimeout(90_000);

const SINCE = new Date(NOON_MS - 5).toISOString();
const AS_OF = new Date(NOON_MS).toISOString();

let api: RunningApi;
let client: MembershipClient;

beforeAll(async () => {
  api = await RunningApi.start();
  client = new MembershipClient(api.grpcUrl);
  await api.log.ensureTopics([{ name: segmentsChanged.name, partitions: 2, replicationFactor: 1, config: {} }]);
  const { pool } = api.database;
  await pool.query("insert into stream.progress (stage, partition, watermark_ms) values ('segmentation', 0, $1)", [NOON_MS]);
  await pool.query("insert into ingestion.profile_survivors select 'ws_a', p, p from unnest($1::uuid[]) p", [[1, 2].map(aProfile)]);
  await pool.query("insert into ingestion.profile_survivors values ('ws_a', $1, $2)", [aProfile(3), aProfile(1)]);
  await pool.query("insert into ingestion.profile_identifiers values ('ws_a', 'userId', '1', $1), ('ws_a', 'userId', '2', $2)", [aProfile(1), aProfile(2)]);
  await api.request('POST', '/v1/segments', { key: 'buyers', name: 'Buyers', rule: { performed: 'Order Completed' } });
  await pool.query("insert into segmentation.memberships values ('ws_a', 'buyers', $1, $2, 1)", [aProfile(1), NOON_MS - 5]);
});

afterAll(async () => {
  client.close();
  await api.stop();
});

describe('IsMember', () => {
  test('knows a person by id, by identifier, and by the id of whoever was merged into them', async () => {
    for (const profile of [aProfile(1), 'userId:1', aProfile(3)]) expect(await client.call('IsMember', { profile, segment: 'buyers' })).toEqual({ member: true, since: SINCE, as_of: AS_OF });
    expect(await client.call('IsMember', { profile: 'userId:2', segment: 'buyers' })).toEqual({ member: false, since: '', as_of: AS_OF });
  });

  test.each([
    [{ profile: 'userId:nobody', segment: 'buyers' }, 'NOT_FOUND'],
    [{ profile: 'userId:1', segment: 'nothing' }, 'NOT_FOUND'],
    [{ profile: 'nonsense', segment: 'buyers' }, 'INVALID_ARGUMENT'],
    [{}, 'INVALID_ARGUMENT'],
  ])('asked %j it answers %s', async (question, status) => {
    expect(await client.call('IsMember', question)).toMatchObject({ status });
  });

  test('needs an admin key, and knows nothing of other workspaces', async () => {
    expect(await client.call('IsMember', { profile: 'userId:1', segment: 'buyers' }, 'nobodys')).toMatchObject({ status: 'UNAUTHENTICATED' });
    expect(await client.call('IsMember', { profile: 'userId:1', segment: 'buyers' }, STRANGERS_KEY)).toMatchObject({ status: 'NOT_FOUND' });
  });
});

describe('BatchIsMember', () => {
  test('answers in the order of the request, for people whom nobody knows too', async () => {
    const { members } = (await client.call('BatchIsMember', { profiles: ['userId:2', 'userId:nobody', 'userId:1', 'userId:2'], segment: 'buyers' })) as { members: object[] };
    expect(members).toEqual([
      { profile: 'userId:2', member: false, since: '' },
      { profile: 'userId:nobody', member: false, since: '' },
      { profile: 'userId:1', member: true, since: SINCE },
      { profile: 'userId:2', member: false, since: '' },
    ]);
  });

  test('takes a thousand, and no more', async () => {
    const profiles = Array.from({ length: 1_000 }, () => 'userId:1');
    expect(await client.call('BatchIsMember', { profiles, segment: 'buyers' })).toMatchObject({ members: { length: 1_000 } });
    expect(await client.call('BatchIsMember', { profiles: [...profiles, 'userId:1'], segment: 'buyers' })).toMatchObject({ code: 'too_large' });
  });
});

test('ListSegments tells the segments of a person', async () => {
  expect(await client.call('ListSegments', { profile: 'userId:1' })).toEqual({ segments: [{ key: 'buyers', since: SINCE }], as_of: AS_OF });
});

test('ListMembers streams them', async () => {
  expect(await client.stream('ListMembers', { segment: 'buyers' })).toEqual([{ profile_id: aProfile(1), since: SINCE }]);
  expect(await client.stream('ListMembers', { segment: 'nothing' })).toMatchObject([{ status: 'NOT_FOUND' }]);
});

test('Watch tells changes as they come', async () => {
  const watching = client.stream('Watch', { segments: ['buyers'], resume_token: Buffer.from('0:0,1:0').toString('base64url') }, 1);
  const producer = await api.log.producer();
  const value = { workspace: 'ws_a', profileId: aProfile(1), identifiers: [], segment: 'buyers', change: 'entered', effectiveAt: SINCE, processedAt: AS_OF, cause: 'event', definitionVersion: 1, sequence: 1, reason: { nodes: [] } };
  await producer.send([{ topic: segmentsChanged.name, partition: 0, key: Buffer.from(aProfile(1)), value: Buffer.from(JSON.stringify(value)), headers: { workspace: 'ws_a' } }]);
  expect(await watching).toMatchObject([{ profile_id: aProfile(1), segment: 'buyers', change: 'entered', sequence: 1, token: expect.any(String) }]);
});
