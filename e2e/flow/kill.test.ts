import pg from 'pg';
import { checkMemberships, waitForQuiet } from '../../tools/bench/check-result.ts';
import { randomOf } from '../../tools/bench/workload.ts';
import { aUser, identify, type Message, sleep, System, track } from './system.ts';

jest.setTimeout(400_000);

const SERVICES = ['ingestion', 'consent', 'cleansing', 'scoring', 'segmentation', 'delivery'] as const;
const PEOPLE = 60;

let system: System;

beforeAll(async () => {
  system = await System.start();
  await system.defineSegment('active', { rule: { performed: 'Clicked', within: '4s' } });
  await system.defineSegment('busy', { rule: { performed: 'Clicked', within: '1m', count: { op: 'gte', value: 5 } } });
  await system.defineSegment('idle', { rule: { and: [{ trait: 'plan', op: 'exists' }, { not: { performed: 'Clicked', within: '10s' } }] } });
  await system.call('delivery', 'POST', '/v1/templates', { key: 'hello', name: 'Hello', format: 'html', language: 'liquid', subject: 'Hello', body: '<p>Hello <a href="{{ unsubscribe_url }}">unsubscribe</a></p>' });
  await system.call('delivery', 'POST', '/v1/automations', { key: 'hello', segment: 'busy', on: 'entered', template: 'hello', purpose: 'email_marketing', once: true });
});

afterAll(async () => {
  await system?.stop();
});

it('each process is killed in the middle of work: nothing lost, nothing twice, memberships as SQL finds them', async () => {
  const random = randomOf(20_261_123);
  const users = Array.from({ length: PEOPLE }, aUser);
  const accepted = new Set<string>();
  const send = async (messages: readonly Message[]): Promise<void> => {
    await system.publish(messages);
    for (const { messageId } of messages) accepted.add(messageId);
  };
  await send(users.map((user) => identify(user, { email: `${user}@example.com`, plan: 'pro' })));
  await send(users.map((user) => track(user, 'Consent Updated', { properties: { purpose: 'email_marketing', decision: 'granted', source: 'test', textVersion: '1' } })));

  let isOver = false;
  const load = (async () => {
    while (!isOver) {
      const batch = Array.from({ length: 20 }, () => track(users[Math.floor(random() * PEOPLE)] as string, 'Clicked', { timestamp: new Date(Date.now() - Math.floor(random() * 2_000)).toISOString() }));
      // Every tenth batch comes twice.
      await send(random() < 0.1 ? [...batch, ...batch] : batch);
      await sleep(60);
    }
  })();
  for (const victim of new Set(SERVICES.map((service) => system.stack.process(service)))) {
    await sleep(1_500);
    victim.kill('SIGKILL');
    await sleep(500);
    await system.stack.whenReady(victim.name);
  }
  await sleep(2_000);
  isOver = true;
  await load;
  await waitForQuiet(system.databaseUrl);

  await expectEachOnce(accepted);
  const segments = ((await system.call('segmentation', 'GET', '/v1/segments')).body['segments'] ?? []) as { key: string; rule: never }[];
  const check = await checkMemberships(system.databaseUrl, system.credentials.workspace, segments);
  expect(check.examples).toEqual([]);
  expectAlternation();
  await expectOneMailEach(users);
});

async function expectEachOnce(accepted: ReadonlySet<string>): Promise<void> {
  const client = new pg.Client({ connectionString: system.databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ message_id: string; count: string }>('select message_id, count(*) from scoring.history where workspace = $1 group by 1', [system.credentials.workspace]);
  await client.end();
  const found = new Map(rows.map(({ message_id, count }) => [message_id, Number(count)]));
  expect([...accepted].filter((id) => found.get(id) !== 1)).toEqual([]);
}

/** Per person and segment entered and left take turns; per person the numbers have no gap; repeats say the same. */
function expectAlternation(): void {
  const byPerson = Map.groupBy(system.changes, ({ profileId }) => profileId);
  for (const [, changes] of byPerson) {
    const bySequence = Map.groupBy(changes, ({ sequence }) => sequence);
    expect([...bySequence.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: bySequence.size }, (_, index) => index + 1));
    for (const same of bySequence.values()) expect(new Set(same.map(({ readMs: _, ...change }) => JSON.stringify(change))).size).toBe(1);
    const inOrder = [...bySequence].sort(([a], [b]) => a - b).map(([, same]) => same[0]!);
    for (const [, ofSegment] of Map.groupBy(inOrder, ({ segment }) => segment)) {
      expect(ofSegment.map(({ change }) => change)).toEqual(ofSegment.map((_, index) => (index % 2 === 0 ? 'entered' : 'left')));
    }
  }
}

async function expectOneMailEach(users: readonly string[]): Promise<void> {
  let mails = 0;
  for (const user of users) {
    const count = (await system.mailsTo(`${user}@example.com`)).length;
    expect(count).toBeLessThanOrEqual(1);
    mails += count;
  }
  expect(mails).toBeGreaterThan(0);
}
