import { randomUUID } from 'node:crypto';
import { Analytics } from '@segment/analytics-node';
import { checkMemberships } from '../../tools/bench/check-result.ts';
import { aUser, identify, sleep, System, track } from './system.ts';

jest.setTimeout(180_000);

let system: System;

beforeAll(async () => {
  system = await System.start();
  await system.defineSegment('active', { rule: { performed: 'Clicked', within: '3s' } });
  await system.defineSegment('pro', { rule: { trait: 'plan', op: 'equals', value: 'pro' } });
  await system.defineSegment('twice', { rule: { performed: 'Clicked', within: '1h', count: { op: 'gte', value: 2 } } });
  await system.defineSegment('quiet', { rule: { not: { performed: 'Clicked', within: '1h' } } });
});

afterAll(async () => {
  await system?.stop();
});

it('a person enters by an event and leaves by time alone, to the millisecond', async () => {
  const user = aUser();
  const event = track(user, 'Clicked');
  await system.publish([event]);
  const [entered, left] = await system.until('both changes', async () => {
    const changes = await system.changesOf(`userId:${user}`, 'active');
    return changes.length === 2 && changes;
  });
  expect(entered).toMatchObject({ change: 'entered', cause: 'event' });
  expect(left).toMatchObject({ change: 'left', cause: 'time', effectiveAt: new Date(Date.parse(event.timestamp) + 3_000).toISOString() });
  expect(Date.parse(left!.processedAt)).toBeGreaterThanOrEqual(Date.parse(left!.effectiveAt));
});

it('a change belongs to the trace of the request that brought its event, and one by time to its own', async () => {
  const user = aUser();
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  await system.collect([track(user, 'Clicked')], { traceparent });
  const [entered, left] = await system.until('both changes', async () => {
    const changes = await system.changesOf(`userId:${user}`, 'active');
    return changes.length === 2 && changes;
  });
  expect(entered?.traceparent).toBe(traceparent);
  expect(left?.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
  expect(left?.traceparent).not.toBe(traceparent);
});

it("Segment's own SDK needs nothing but another host", async () => {
  const user = aUser();
  const analytics = new Analytics({ writeKey: system.credentials.writeKey, host: system.stack.urls.ingestion as string, flushAt: 1 });
  analytics.identify({ userId: user, traits: { plan: 'pro' } });
  analytics.track({ userId: user, event: 'Clicked' });
  await analytics.closeAndFlush();
  await system.until('both segments', async () => (await system.segmentsOf(`userId:${user}`)).join() === 'active,pro');
});

it('the same events through the Kafka inlet give the same segments', async () => {
  const user = aUser();
  await system.publish([identify(user, { plan: 'pro' }), track(user, 'Clicked')]);
  await system.until('both segments', async () => (await system.segmentsOf(`userId:${user}`)).join() === 'active,pro');
});

it('a duplicate counts once, through either door and in any partition', async () => {
  const user = aUser();
  const event = track(user, 'Clicked');
  await system.publish([event, event], 0);
  await system.publish([event], 1);
  await system.collect([event]);
  await system.quiet();
  expect(await system.segmentsOf(`userId:${user}`)).toEqual(['active']);
  await system.publish([track(user, 'Clicked')]);
  await system.until('the second one', async () => (await system.segmentsOf(`userId:${user}`)).includes('twice'));
});

it('late events count by their own time, and events of the future by the time at which they came', async () => {
  const [late, future] = [aUser(), aUser()];
  await system.publish([track(late, 'Clicked', { timestamp: new Date(Date.now() - 600_000).toISOString() }), track(future, 'Clicked', { timestamp: new Date(Date.now() + 86_400_000).toISOString() })]);
  await system.publish([track(late, 'Clicked', { timestamp: new Date(Date.now() - 500_000).toISOString() })]);
  const changes = await system.until('the late one in', async () => {
    const found = await system.changesOf(`userId:${late}`, 'twice');
    return found.length === 1 && found;
  });
  expect(changes[0]).toMatchObject({ change: 'entered', cause: 'late' });
  expect(await system.segmentsOf(`userId:${late}`)).toEqual(['twice']);
  const left = await system.until('the future one out again', async () => (await system.changesOf(`userId:${future}`, 'active')).find(({ change }) => change === 'left'));
  expect(Date.parse(left.effectiveAt)).toBeLessThan(Date.now());
});

it('two active people who prove to be one are merged, with what both did', async () => {
  const [user, anonymousId] = [aUser(), randomUUID()];
  await system.publish([track(user, 'Clicked')]);
  await system.publish([{ type: 'track', event: 'Clicked', messageId: randomUUID(), anonymousId, timestamp: new Date().toISOString() }]);
  await system.until('both known', async () => (await system.segmentsOf(`userId:${user}`)).length > 0 && (await system.segmentsOf(`anonymousId:${anonymousId}`)).length > 0);
  const loser = (await system.call('scoring', 'GET', `/v1/profiles/anonymousId:${anonymousId}`)).body['id'] as unknown as string;
  await system.publish([{ type: 'identify', messageId: randomUUID(), userId: user, anonymousId, traits: { plan: 'free' }, timestamp: new Date().toISOString() }]);
  await system.until('the union', async () => (await system.segmentsOf(`userId:${user}`)).includes('twice'));
  expect(await system.segmentsOf(`anonymousId:${anonymousId}`)).toEqual(await system.segmentsOf(`userId:${user}`));
  const lost = system.changes.filter(({ profileId, cause }) => profileId === loser && cause === 'merge');
  expect(lost.length).toBeGreaterThan(0);
  expect(lost.every(({ change }) => change === 'left')).toBe(true);
  expect((await system.call('scoring', 'GET', `/v1/profiles/${loser}`)).body['id']).toBe((await system.call('scoring', 'GET', `/v1/profiles/userId:${user}`)).body['id']);
});

it('a segment defined after the history has the members it would have had', async () => {
  const users = [aUser(), aUser(), aUser()];
  await system.publish(users.flatMap((user, index) => Array.from({ length: index }, () => track(user, 'Signed Up', { properties: { seats: 5 } }))));
  await system.quiet();
  await system.defineSegment('seats', { rule: { performed: 'Signed Up', within: '1d', aggregate: { fn: 'sum', property: 'seats' }, op: 'gte', value: 10 } });
  expect(await system.segmentsOf(`userId:${users[2]}`)).toContain('seats');
  expect(await system.segmentsOf(`userId:${users[1]}`)).not.toContain('seats');
  const [entered] = await system.until('the change', async () => {
    const found = await system.changesOf(`userId:${users[2]}`, 'seats');
    return found.length === 1 && found;
  });
  expect(entered).toMatchObject({ change: 'entered', cause: 'backfill' });
  await system.call('segmentation', 'PUT', '/v1/segments/seats', { name: 'seats', rule: { performed: 'Signed Up', within: '1d', aggregate: { fn: 'sum', property: 'seats' }, op: 'between', value: [5, 5] } });
  await system.until('the edit to take', async () => (await system.segmentsOf(`userId:${users[1]}`)).includes('seats'));
  expect(await system.segmentsOf(`userId:${users[2]}`)).not.toContain('seats');
});

it('garbage is set aside with its bytes and reason, and nothing behind it waits', async () => {
  const parked: { value: string; headers: Record<string, unknown> }[] = [];
  const consumer = system.kafka.consumer({ groupId: `e2e-parked-${randomUUID()}` });
  await consumer.connect();
  await consumer.subscribe({ topics: ['ingestion.parked'], fromBeginning: true });
  await consumer.run({ eachMessage: async ({ message }) => void parked.push({ value: String(message.value), headers: Object.fromEntries(Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)])) }) });
  const user = aUser();
  await system.publishRaw('{"type": "track", "event"', { 'write-key': system.credentials.writeKey });
  await system.publishRaw(JSON.stringify(track(user, 'Clicked')), { 'write-key': 'wk_forged' });
  await system.publish([track(user, 'Clicked')]);
  await system.until('the good one', async () => (await system.segmentsOf(`userId:${user}`)).includes('active'));
  await system.until('both parked', async () => parked.length >= 2);
  expect(parked.map(({ value }) => value)).toContain('{"type": "track", "event"');
  for (const { headers } of parked) expect(headers).toMatchObject({ stage: 'ingestion', 'origin-topic': 'inbound.events', reason: expect.stringMatching(/^[a-z_]+$/), 'origin-offset': expect.stringMatching(/^\d+$/) });
  await consumer.disconnect();
});

it('nobody who renewed in time leaves while a stage in between stands still for longer than the window', async () => {
  const users = Array.from({ length: 200 }, aUser);
  await system.publish(users.map((user) => track(user, 'Clicked')));
  await system.until('all in', async () => Number((await system.call('segmentation', 'GET', '/v1/segments/active')).body['count']) >= users.length);
  system.stack.process('cleansing').pause();
  try {
    for (let round = 0; round < 10; round++) {
      await system.publish(users.map((user) => track(user, 'Clicked')));
      await sleep(1_000);
    }
  } finally {
    system.stack.process('cleansing').resume();
  }
  await system.publish(users.map((user) => track(user, 'Clicked')));
  const lastRenewalMs = Date.now();
  await system.until('everybody out at last', async () => Number((await system.call('segmentation', 'GET', '/v1/segments/active')).body['count']) === 0, 60_000);
  await system.quiet();
  const left = system.changes.filter(({ segment, change, identifiers }) => segment === 'active' && change === 'left' && identifiers.some(({ value }) => users.includes(value)));
  expect(left.length).toBeGreaterThanOrEqual(users.length);
  for (const { effectiveAt } of left) expect(Date.parse(effectiveAt)).toBeGreaterThan(lastRenewalMs);
});

it('in the end the memberships are those that SQL finds in the history', async () => {
  await system.quiet();
  const segments = ((await system.call('segmentation', 'GET', '/v1/segments')).body['segments'] ?? []) as { key: string; rule: never }[];
  const check = await checkMemberships(system.databaseUrl, system.credentials.workspace, segments);
  expect(check.examples).toEqual([]);
  expect(check.wrong).toBe(0);
  expect(check.events).toBeGreaterThan(2_000);
});
