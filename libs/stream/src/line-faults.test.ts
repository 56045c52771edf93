import { setTimeout as sleep } from 'node:timers/promises';
import { eventsReceived } from '@tributary/contracts/topics/events-received';
import { entriesIn, NumberedFlow } from '@tributary/testing/numbered-flow';
import { interceptSends, openStreamStack, type StartedLine, type StreamStack } from '@tributary/testing/stream-stack';
import { passingStage, receivingStage, storedTallies, tallyingStage } from '@tributary/testing/test-stages';
import { until } from '@tributary/testing/until';
import { decodeFrame } from './frame.js';

jest.setTimeout(90_000);

let stack: StreamStack;
let flow: NumberedFlow;
beforeEach(async () => {
  stack = await openStreamStack();
  flow = new NumberedFlow(stack);
});
afterEach(() => stack.close());

/** A line whose process is killed between its commit and its send, at the first batch that forwards something. */
async function killedAfterCommit(): Promise<{ wake: () => void; dead: StartedLine }> {
  const log = await stack.openLog();
  let wake = () => undefined as void;
  const awake = new Promise<void>((resolve) => (wake = resolve));
  let isKilled = false;
  const silent = interceptSends(log, async (records, pass) => {
    isKilled ||= records.some(({ topic, value }) => topic === eventsReceived.name && value !== null && decodeFrame(value).entries.length > 0);
    if (isKilled) await awake;
    return pass(records);
  });
  const dead = await stack.startLine([receivingStage()], { log: silent });
  await flow.send(0, 10);
  await until('it is between commit and send', () => isKilled);
  await log.close();
  return { wake, dead };
}

test('what was committed and not sent is sent by the next owner; what the dead one sends later counts for nothing', async () => {
  const { wake, dead } = await killedAfterCommit();
  expect((await stack.pool.query('select 1 from stream.outbox')).rowCount).toBe(1);
  expect(entriesIn(await stack.read(eventsReceived.name))).toEqual([]);
  await flow.start();
  await flow.applied(10);
  wake();
  await flow.send(10, 30);
  await flow.applied(30);
  await flow.expectOrdered(30);
  await until('the dead one knows', () => !dead.line.health().ready);
});

test('an owner that was paused cannot commit after another has taken over, and forgets what it has decided', async () => {
  let go = () => undefined as void;
  let resets = 0;
  let paused: Promise<void> | undefined;
  const stage = receivingStage({
    reset: () => void resets++,
    decide: async (records) => {
      paused ??= new Promise((resolve) => (go = resolve));
      await paused;
      const decision = await receivingStage().decide(records);
      return { ...decision, writes: [{ text: "insert into tallies select 'zombie', gen_random_uuid(), $1", values: ['x'] }] };
    },
  });
  const { line, story } = await stack.startLine([stage]);
  await flow.send(0, 5);
  await until('it is in the middle of a batch', () => paused !== undefined);
  await stack.pool.query("update stream.progress set epoch = epoch + 1, owner = 'another' where stage = 'ingestion'");
  go();
  await until('it has noticed', () => story.lost > 0);
  expect((await stack.pool.query("select 1 from tallies where stage = 'zombie'")).rowCount).toBe(0);
  expect(entriesIn(await stack.read(eventsReceived.name))).toEqual([]);
  expect(line.health().ready).toBe(false);
  expect(story.fatal).toEqual([]);
  // The group's next word makes it an owner again, from where the database stands.
  const before = resets;
  await stack.startLine([receivingStage()], { log: await stack.openLog() });
  await until('it owns again', () => line.health().ready, 20_000);
  expect(resets).toBeGreaterThan(before);
});

test('a commit whose answer was lost is found out: nothing is done twice, nothing is left out', async () => {
  let isCut = false;
  const pool = new Proxy(stack.linePool, {
    get(target, name) {
      if (name !== 'query') return Reflect.get(target, name, target) as unknown;
      return async (query: { text?: string }, values?: unknown[]) => {
        const answer = await target.query(query as never, values as never);
        if (!isCut && query.text?.includes('stream.fence') === true && (await storedTallies(stack.pool)).size > 0) {
          isCut = true;
          throw new Error('Connection terminated unexpectedly');
        }
        return answer;
      };
    },
  });
  await stack.startLine([receivingStage()]);
  await stack.startLine([passingStage()]);
  const { story } = await stack.startLine([tallyingStage(stack.pool)], { pool });
  await flow.send(0, 40, 10);
  await flow.applied(40);
  await flow.expectOrdered(40);
  expect(isCut).toBe(true);
  expect(story.lost).toBe(0);
  await flow.send(40, 50);
  await flow.applied(50);
  await flow.expectOrdered(50);
});

test('a database that goes away is waited for', async () => {
  const lines = await flow.start();
  const failures = () => lines.flatMap(({ story }) => story.failures).length;
  let sent = 300;
  const sending = flow.send(0, sent, 10);
  // Until one of them has hit a statement under way: an idle connection is replaced without anybody noticing.
  for (let outage = 0; outage < 6 || (failures() === 0 && outage < 200); outage++) {
    await sleep(outage < 6 ? 400 : 37);
    if (outage === 6) await sending;
    if (outage >= 6) await flow.send(sent, (sent += 5));
    await stack.pool.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'line' and datname = current_database()");
  }
  await sending;
  await flow.applied(sent);
  await flow.expectOrdered(sent);
  expect(failures()).toBeGreaterThan(0);
  expect(lines.flatMap(({ story }) => story.fatal)).toEqual([]);
  expect(lines.flatMap(({ story }) => story.endings).filter(({ ending }) => ending === 'park')).toEqual([]);
});

test('a broker that refuses a send is asked again, and the batch arrives', async () => {
  let refusals = 0;
  const log = interceptSends(stack.log, async (records, pass) => {
    if (records.some(({ topic }) => topic === eventsReceived.name) && refusals++ < 3) throw Object.assign(new Error('no leader'), { name: 'KafkaJSNumberOfRetriesExceeded' });
    return pass(records);
  });
  const { story } = await stack.startLine([receivingStage()], { log });
  await stack.startLine([passingStage()]);
  await stack.startLine([tallyingStage(stack.pool)]);
  await flow.send(0, 20);
  await flow.applied(20);
  await flow.expectOrdered(20);
  expect(story.failures.length).toBeGreaterThanOrEqual(3);
  expect(story.fatal).toEqual([]);
});

test('a fault that does not pass ends the process instead of going on for ever', async () => {
  const log = interceptSends(stack.log, async (records, pass) => {
    if (records.some(({ topic }) => topic === eventsReceived.name)) throw Object.assign(new Error('no leader'), { name: 'KafkaJSNumberOfRetriesExceeded' });
    return pass(records);
  });
  const { story } = await stack.startLine([receivingStage()], { log, failuresMax: 4 });
  await flow.send(0, 1);
  await until('it is fatal', () => story.fatal.length > 0);
  expect(story.fatal[0]?.message).toBe('no leader');
});

test('batches never overlap, whatever fails in between', async () => {
  let running = 0;
  let most = 0;
  let calls = 0;
  await stack.startLine([receivingStage({ decide: async (records) => {
    most = Math.max(most, ++running);
    await sleep(3);
    running--;
    if (++calls % 4 === 0) throw Object.assign(new Error('gone'), { code: 'ECONNRESET' });
    return receivingStage().decide(records);
  } })]);
  await stack.startLine([passingStage()]);
  await stack.startLine([tallyingStage(stack.pool)]);
  await flow.send(0, 100, 10);
  await flow.applied(100);
  await flow.expectOrdered(100);
  expect(most).toBe(1);
});
