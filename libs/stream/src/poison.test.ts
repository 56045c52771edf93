import type { Entry } from '@tributary/contracts/entry';
import { eventsReceived } from '@tributary/contracts/topics/events-received';
import { profilesScored } from '@tributary/contracts/topics/profiles-scored';
import { inletEvent, openStreamStack, profileIdOf, type StartedLine, type StreamStack } from '@tributary/testing/stream-stack';
import { passingStage, receivingStage, storedTallies, tallyingStage } from '@tributary/testing/test-stages';
import { until } from '@tributary/testing/until';
import type { LogRecord } from './stage.js';

jest.setTimeout(90_000);

let stack: StreamStack;
beforeEach(async () => {
  stack = await openStreamStack();
});
afterEach(() => stack.close());

const BAD = 'bad';
const isBad = ({ messageId }: Entry) => messageId.startsWith(BAD);
/** What PostgreSQL does not take as text. */
const UNSTORABLE = { text: "insert into tallies values ('unstorable', gen_random_uuid(), $1)", values: ['\0'] };

async function sendAmong(good: number, bad: number): Promise<void> {
  for (let number = 0; number < good; number++) {
    await stack.send(inletEvent(`p${number % 5}`, `g${number}`, { partition: number % 4 }));
    if (number < bad) await stack.send(inletEvent(`q${number}`, `${BAD}${number}`, { partition: number % 4 }));
  }
}

const applied = (good: number) =>
  until(`${good} good ones applied`, async () => [...(await storedTallies(stack.pool)).values()].flat().filter((step) => step.startsWith('eg')).length >= good, 40_000);

async function parked(stage: string, count: number): Promise<LogRecord[]> {
  await until(`${count} set aside by ${stage}`, async () => ((await stack.log.offsets(`${stage}.parked`)).get(0)?.high ?? 0) >= count, 20_000);
  return stack.read(`${stage}.parked`);
}

/** Good ones are all there in order; bad ones are set aside, each once, with their bytes; nobody gave up. */
async function expectOnlyGood(good: number, bad: number, stage: string, lines: readonly StartedLine[]): Promise<LogRecord[]> {
  await applied(good);
  const records = await parked(stage, bad);
  const tallies = await storedTallies(stack.pool);
  for (let profile = 0; profile < 5; profile++) {
    const expected = Array.from({ length: good }, (_, number) => number).filter((number) => number % 5 === profile).map((number) => `eg${number}`);
    expect((tallies.get(profileIdOf(`p${profile}`)) ?? []).filter((step) => step.startsWith('e'))).toEqual(expected);
  }
  expect(records.map(({ value }) => (JSON.parse(String(value)) as { id: string }).id).sort()).toEqual(Array.from({ length: bad }, (_, number) => `${BAD}${number}`).sort());
  for (const { headers } of records) expect(headers).toMatchObject({ stage, reason: 'poison' });
  expect(lines.flatMap(({ story }) => story.fatal)).toEqual([]);
  expect(lines.flatMap(({ story }) => story.endings).filter(({ ending }) => ending === 'park').reduce((sum, { count }) => sum + count, 0)).toBe(bad);
  return records;
}

const start = async (...stages: Parameters<StreamStack['startLine']>[0][]): Promise<StartedLine[]> => {
  const lines: StartedLine[] = [];
  for (const chain of stages) lines.push(await stack.startLine(chain));
  return lines;
};

test('a record that its stage cannot decide is set aside with its bytes and its place; the rest goes on', async () => {
  const throwing = receivingStage({ decide: async (records) => {
    if (records.some(({ value }) => String(value).includes(BAD))) throw new TypeError('cannot read properties of undefined');
    return receivingStage().decide(records);
  } });
  const lines = await start([throwing], [passingStage()], [tallyingStage(stack.pool)]);
  await sendAmong(30, 3);
  const first = (await expectOnlyGood(30, 3, 'ingestion', lines)).find(({ key }) => key?.toString() === 'q0');
  expect(first?.headers).toMatchObject({ 'origin-topic': 'inbound.events', 'origin-partition': '0' });
});

test('a record that PostgreSQL does not take is set aside; the rest goes on', async () => {
  const unstorable = receivingStage({ decide: async (records) => ({
    ...(await receivingStage().decide(records)),
    writes: records.some(({ value }) => String(value).includes(BAD)) ? [UNSTORABLE] : [],
  }) });
  await expectOnlyGoodAfter([unstorable], [passingStage()], [tallyingStage(stack.pool)], 'ingestion');
});

test('an entry that a stateless stage cannot decide is set aside; the rest of its frame goes on', async () => {
  const throwing = passingStage({ decide: async (entries) => {
    if (entries.some(isBad)) throw new RangeError('no such date');
    return passingStage().decide(entries);
  } });
  await expectOnlyGoodAfter([receivingStage()], [throwing], [tallyingStage(stack.pool)], 'consent');
});

test('an entry whose writes PostgreSQL does not take is set aside; the rest of its frame goes on', async () => {
  const unstorable = passingStage({ decide: async (entries) => ({ ...(await passingStage().decide(entries)), writes: entries.some(isBad) ? [UNSTORABLE] : [] }) });
  await expectOnlyGoodAfter([receivingStage()], [unstorable], [tallyingStage(stack.pool)], 'consent');
});

test('an entry that a fold cannot apply is set aside, its state as it was before', async () => {
  const half = tallyingStage(stack.pool, { before: (entry, tally) => {
    if (!isBad(entry)) return;
    tally.steps.push('half done');
    throw new TypeError('x is not iterable');
  } });
  await expectOnlyGoodAfter([receivingStage()], [passingStage()], [half], 'scoring');
  expect([...(await storedTallies(stack.pool)).values()].flat()).not.toContain('half done');
});

test('an entry that makes a state PostgreSQL does not take is set aside', async () => {
  const stage = tallyingStage(stack.pool);
  let hasBad = false;
  const unstorable = { ...stage, apply: (...[tally, entry, emit]: Parameters<typeof stage.apply>) => {
    hasBad ||= isBad(entry);
    stage.apply(tally, entry, emit);
  }, save: async (...[touched, record]: Parameters<typeof stage.save>) => {
    const writes = await stage.save(touched, record);
    const all = hasBad ? [...writes, UNSTORABLE] : writes;
    hasBad = false;
    return all;
  } };
  await expectOnlyGoodAfter([receivingStage()], [passingStage()], [unstorable], 'scoring');
});

test('in a chain, the stage that cannot apply an entry sets it aside, and those before and behind are right', async () => {
  const second = tallyingStage(stack.pool, { before: (entry) => {
    if (isBad(entry)) throw new Error('never');
  } }, { name: 'segmentation', reads: profilesScored, writes: undefined });
  await expectOnlyGoodAfter([receivingStage()], [passingStage()], [tallyingStage(stack.pool), second], 'segmentation');
  const later = await storedTallies(stack.pool, 'segmentation');
  expect([...later.values()].flat().filter((step) => step.startsWith(`e${BAD}`))).toEqual([]);
  expect([...later.values()].flat().filter((step) => step.startsWith('eg'))).toHaveLength(30);
});

test('a timer that cannot fire is given up and told of; all others fire', async () => {
  const stage = tallyingStage(stack.pool, { holdMs: 300 });
  const cursed = { ...stage,
    advance: (...[tally, beforeMs, emit]: Parameters<typeof stage.advance>) => {
      if (tally.steps.some((step) => step.startsWith(`e${BAD}`)) && tally.dueMs !== null && tally.dueMs < beforeMs) throw new Error('time stands still');
      stage.advance(tally, beforeMs, emit);
    } };
  const lines = await start([receivingStage()], [passingStage()], [cursed]);
  await stack.send(inletEvent('q0', `${BAD}0`, { partition: 0 }));
  for (let number = 0; number < 5; number++) await stack.send(inletEvent(`p${number}`, `g${number}`, { partition: number % 4 }));
  const [record] = await parked('scoring', 1);
  expect(record?.key?.toString()).toBe(profileIdOf('q0'));
  expect(record?.headers).toMatchObject({ stage: 'scoring', reason: 'poison', workspace: 'ws_test', timer: expect.stringMatching(/^\d+$/) as string });
  await until('the others have fired', async () => [...(await storedTallies(stack.pool)).values()].flat().filter((step) => step.startsWith('t')).length === 5);
  expect((await stack.pool.query('select 1 from stream.timers where profile_id = $1', [profileIdOf('q0')])).rowCount).toBe(0);
  expect(lines.flatMap(({ story }) => story.fatal)).toEqual([]);
});

test('bytes that are no frame are set aside, and their partition goes on', async () => {
  const lines = await start([passingStage()], [tallyingStage(stack.pool)]);
  await stack.send({ topic: eventsReceived.name, partition: 2, key: Buffer.from('k'), value: Buffer.from('nonsense') });
  await stack.send({ topic: eventsReceived.name, partition: 2, key: null, value: null });
  const records = await parked('consent', 2);
  expect(records.map(({ value, headers }) => [value?.toString() ?? null, headers['reason'], headers['origin-partition'], headers['origin-offset']])).toEqual([
    ['nonsense', 'unreadable_frame', '2', '0'],
    [null, 'unreadable_frame', '2', '1'],
  ]);
  lines.push(...(await start([receivingStage()])));
  await sendAmong(10, 0);
  await applied(10);
  expect(lines.flatMap(({ story }) => [...story.failures, ...story.fatal])).toEqual([]);
});

test('when nothing at all can be decided, the process ends instead of emptying the log into the parking lot', async () => {
  const broken = receivingStage({ decide: async () => Promise.reject(new TypeError('this release is wrong')) });
  const [line] = await start([broken]);
  for (let number = 0; number < 150; number++) await stack.send(inletEvent('p', `g${number}`, { partition: number % 4 }));
  await until('it is fatal', () => (line?.story.fatal.length ?? 0) > 0, 30_000);
  expect(line?.story.fatal[0]?.message).toContain('this release is at fault');
});

async function expectOnlyGoodAfter(first: Parameters<StreamStack['startLine']>[0], second: Parameters<StreamStack['startLine']>[0], third: Parameters<StreamStack['startLine']>[0], stage: string): Promise<void> {
  const lines = await start(first, second, third);
  await sendAmong(30, 3);
  await expectOnlyGood(30, 3, stage, lines);
}
