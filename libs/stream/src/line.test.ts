import { setTimeout as sleep } from 'node:timers/promises';
import { profilesScored } from '@tributary/contracts/topics/profiles-scored';
import { segmentsChanged } from '@tributary/contracts/topics/segments-changed';
import { NumberedFlow } from '@tributary/testing/numbered-flow';
import { inletEvent, openStreamStack, profileIdOf, type StreamStack } from '@tributary/testing/stream-stack';
import { passingStage, receivingStage, storedTallies, type Tally, tallyingStage } from '@tributary/testing/test-stages';
import { until } from '@tributary/testing/until';
import type { FoldStage } from './stage.js';

jest.setTimeout(90_000);

let stack: StreamStack;
let flow: NumberedFlow;
beforeEach(async () => {
  stack = await openStreamStack();
  flow = new NumberedFlow(stack);
});
afterEach(() => stack.close());

test('every entry arrives once, in the order in which the inlet got to know it', async () => {
  const lines = await flow.start();
  await flow.send(0, 100);
  await flow.applied(100);
  await flow.expectOrdered(100);
  for (const { story } of lines) expect([story.failures, story.fatal, story.lost]).toEqual([[], [], 0]);
  const { rows } = await stack.pool.query<{ stage: string; sum: number }>('select stage, sum(next_offset)::bigint as sum from stream.progress group by 1 order by 1');
  const ends = await stack.log.offsets('inbound.events');
  await until('ingestion stands at the end of the inlet', async () => {
    const { rows: [row] } = await stack.pool.query<{ sum: number }>("select sum(next_offset)::bigint as sum from stream.progress where stage = 'ingestion'");
    return (row?.sum ?? 0) >= [...ends.values()].reduce((sum, { high }) => sum + high, 0);
  });
  expect(rows.map(({ stage }) => stage)).toEqual(['ingestion', 'scoring']);
});

test('when nothing else comes, ticks let time pass: a timer fires soon after it is due', async () => {
  await flow.start({ holdMs: 400, announces: true });
  await stack.send(inletEvent('warm', 'warm', { partition: 0 }));
  await flow.applied(1);
  const firedMs: number[] = [];
  const tail = await stack.log.tail({ topic: segmentsChanged.name, onRecord: ({ value }) => {
    const step = (value as Buffer).toString();
    if (step.startsWith('t')) firedMs.push(Date.now() - Number(step.slice(1)));
  } });
  await sleep(1_000);
  for (let number = 0; number < 5; number++) {
    await stack.send(inletEvent(`p${number}`, String(number), { partition: number % 4 }));
    await sleep(150);
  }
  await until('five timers', () => firedMs.length >= 5);
  // About 20 ms on a quiet machine; without ticks of its own the stage would wait for the idle one, a second later.
  expect(Math.min(...firedMs)).toBeLessThan(400);
  expect(Math.min(...firedMs)).toBeGreaterThanOrEqual(0);
  await tail.stop();
});

test('nobody leaves while an event that would have kept him is still on its way', async () => {
  const holdMs = 4_000;
  let stuck = Promise.resolve();
  let loosen = () => undefined as void;
  await stack.startLine([receivingStage()]);
  await stack.startLine([passingStage({ decide: async (entries) => (await stuck, { endings: entries.map((entry) => ({ ending: 'forward', entries: [entry] })) }) })]);
  await stack.startLine([tallyingStage(stack.pool, { holdMs })]);
  await stack.send(inletEvent('p0', '0', { partition: 0 }));
  const dueMs = Date.now() + holdMs;
  await flow.applied(1);
  stuck = new Promise((resolve) => (loosen = resolve));
  try {
    await stack.send(inletEvent('p0', '1', { partition: 1 }));
    // The timer is due, and ticks ask, while the renewing event waits in the middle of the pipe.
    await sleep(dueMs + 1_500 - Date.now());
    expect(await storedTallies(stack.pool)).toEqual(new Map([[profileIdOf('p0'), ['e0']]]));
  } finally {
    loosen();
  }
  await until('it has left', async () => (await storedTallies(stack.pool)).get(profileIdOf('p0'))?.length === 3);
  const steps = (await storedTallies(stack.pool)).get(profileIdOf('p0')) as string[];
  expect(steps.map((step) => step[0])).toEqual(['e', 'e', 't']);
});

test('a later stage sees the same order, and the timers of the one before at their places', async () => {
  await flow.start();
  await stack.startLine([tallyingStage(stack.pool, {}, { name: 'segmentation', reads: profilesScored })]);
  await flow.send(0, 60);
  await flow.applied(60, 'segmentation');
  await flow.expectOrdered(60, 'segmentation');
});

test('a flood of timers at one instant does not hold up who comes meanwhile', async () => {
  const herd = 20_000;
  const dueMs = Date.now() + 4_000;
  await stack.pool.query(
    `insert into stream.timers (stage, shard, workspace, profile_id, due_ms)
     select 'scoring', ('x' || left(id::text, 2))::bit(8)::int, 'ws_test', id, $2 from (select gen_random_uuid() as id from generate_series(1, $1)) ids`, [herd, dueMs]);
  const batches: { entries: number; timers: number }[] = [];
  const stage = tallyingStage(stack.pool, {}, { load: async () => new Map(), create: () => ({ steps: [], dueMs }) });
  const save = stage.save.bind(stage);
  await stack.startLine([receivingStage()]);
  await stack.startLine([passingStage()]);
  const watched: FoldStage<Tally> = { ...stage, save: (touched, record) => {
    batches.push({ entries: touched.filter(({ state }) => state.steps.some((step) => step.startsWith('e'))).length, timers: touched.filter(({ state }) => state.steps.some((step) => step.startsWith('t'))).length });
    return save(touched, record);
  } };
  await stack.startLine([watched]);
  let sent = 0;
  while (Date.now() < dueMs + 1_500) {
    await stack.send(inletEvent(`live${sent}`, String(sent++), { partition: sent % 4 }));
    await sleep(20);
  }
  await until('the herd has gone', async () => (await stack.pool.query('select 1 from stream.timers limit 1')).rowCount === 0, 40_000);
  await until('all live events applied', async () => (await stack.pool.query(`select 1 from tallies where tally like '%"e%'`)).rowCount === sent, 20_000);
  const fired = (await stack.pool.query<{ tally: string }>('select tally from tallies')).rows.filter(({ tally }) => tally.includes(`"t${dueMs}"`));
  expect(fired.length).toBeGreaterThanOrEqual(herd);
  expect(Math.max(...batches.map(({ timers }) => timers))).toBeLessThanOrEqual(600);
  // Live entries were applied in the midst of the herd, not behind it.
  const herdBatches = batches.filter(({ timers }) => timers > 0);
  expect(herdBatches.length).toBeGreaterThanOrEqual(herd / 600);
  expect(herdBatches.slice(0, -5).some(({ entries }) => entries > 0)).toBe(true);
});
