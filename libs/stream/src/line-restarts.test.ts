import { setTimeout as sleep } from 'node:timers/promises';
import { eventsConsented } from '@tributary/contracts/topics/events-consented';
import { eventsReceived } from '@tributary/contracts/topics/events-received';
import { profilesScored } from '@tributary/contracts/topics/profiles-scored';
import { entriesIn, NumberedFlow } from '@tributary/testing/numbered-flow';
import { inletEvent, interceptSends, openStreamStack, type StreamStack } from '@tributary/testing/stream-stack';
import { passingStage, receivingStage, tallyingStage } from '@tributary/testing/test-stages';
import { until } from '@tributary/testing/until';
import { drainBetween } from './drain.js';
import type { Log } from './log.js';

jest.setTimeout(90_000);

let stack: StreamStack;
let flow: NumberedFlow;
beforeEach(async () => {
  stack = await openStreamStack();
  flow = new NumberedFlow(stack);
});
afterEach(() => stack.close());

test('a stop finishes the batch in hand, sends it, and leaves nothing for the next owner to send again', async () => {
  let isDeciding = false;
  const { line } = await stack.startLine([receivingStage({ decide: async (records) => {
    isDeciding = true;
    await sleep(500);
    return receivingStage().decide(records);
  } })]);
  await stack.send(inletEvent('p0', '0', { partition: 0 }));
  await until('it is deciding', () => isDeciding);
  await line.stop();
  expect(entriesIn(await stack.read(eventsReceived.name)).map(({ messageId }) => messageId)).toEqual(['0']);
  expect((await stack.pool.query('select 1 from stream.outbox')).rowCount).toBe(0);
  await stack.startLine([receivingStage()]);
  await stack.send(inletEvent('p0', '1', { partition: 0 }));
  await until('the next has been sent', async () => entriesIn(await stack.read(eventsReceived.name)).length >= 2);
  expect(entriesIn(await stack.read(eventsReceived.name)).map(({ messageId }) => messageId)).toEqual(['0', '1']);
});

test('stages in one process give what they give apart', async () => {
  await stack.startLine([receivingStage(), passingStage()]);
  await stack.startLine([tallyingStage(stack.pool), tallyingStage(stack.pool, {}, { name: 'segmentation', reads: profilesScored, writes: undefined })]);
  await flow.send(0, 80);
  await flow.applied(80, 'segmentation');
  await flow.expectOrdered(80);
  await flow.expectOrdered(80, 'segmentation');
  expect([...(await stack.log.offsets(eventsReceived.name)).values()].every(({ high }) => high === 0)).toBe(true);
});

test('a stage that has to wait for several sources is not chained', () => {
  expect(() => stack.startLine([receivingStage(), passingStage(), tallyingStage(stack.pool)])).rejects.toThrow('cannot run in one process behind');
});

test('before stages are chained, what lies between them goes through', async () => {
  const { line } = await stack.startLine([receivingStage()]);
  await flow.send(0, 30);
  await until('received', async () => entriesIn(await stack.read(eventsReceived.name)).length >= 30);
  await line.stop();
  const chain = [receivingStage(), passingStage()] as const;
  await drainBetween(stack.optionsFor(chain, { endings: [], failures: [], batches: [], lost: 0, fatal: [] }));
  await stack.startLine(chain);
  await stack.startLine([tallyingStage(stack.pool)]);
  await flow.send(30, 60);
  await flow.applied(60);
  await flow.expectOrdered(60);
});

test('two processes share the work, one leaves and comes back, and every entry counts once', async () => {
  const first = await stack.startLine([receivingStage()]);
  await stack.startLine([passingStage()]);
  await stack.startLine([tallyingStage(stack.pool)]);
  const sending = flow.send(0, 400, 15);
  await sleep(500);
  const second = await stack.startLine([receivingStage()], { log: await stack.openLog() });
  const third = await stack.startLine([tallyingStage(stack.pool)], { log: await stack.openLog() });
  await sleep(1_500);
  await first.line.stop();
  await sleep(1_000);
  await stack.startLine([receivingStage()], { log: await stack.openLog() });
  await sending;
  await flow.applied(400);
  await flow.expectOrdered(400);
  expect([...first.story.fatal, ...second.story.fatal, ...third.story.fatal]).toEqual([]);
  const { rows } = await stack.pool.query<{ owners: number }>("select count(distinct owner)::int as owners from stream.progress where stage = 'ingestion'");
  expect(rows[0]?.owners).toBe(2);
});

test('who stands beyond the end of the log stops and says so', async () => {
  await stack.pool.query("insert into stream.progress (stage, partition, epoch, next_offset) values ('ingestion', 1, 5, 1000)");
  const { story } = await stack.startLine([receivingStage()]);
  await until('it is fatal', () => story.fatal.length > 0);
  expect(story.fatal[0]?.message).toMatch(/inbound.events\/1 holds offsets 0 to 0, but ingestion stands at 1000: records were lost/);
});

test('where a keyed stage begins is in the database, whatever the broker remembers of its group', async () => {
  await flow.send(0, 20);
  const other = await stack.log.consume({ group: 'ingestion', topic: 'inbound.events', onAssigned: async () => new Map(), onRecords: async () => undefined, onFatal: () => undefined });
  await until('it has joined', async () => {
    await other.commit(new Map([0, 1, 2, 3].map((partition) => [partition, 5]))).catch(() => undefined);
    return (await stack.log.committed('ingestion', 'inbound.events')).size === 4;
  });
  await other.stop();
  await flow.start();
  await flow.applied(20);
  await flow.expectOrdered(20);
});

test('a stateless stage that begins anew repeats what it has forwarded, and nothing counts twice', async () => {
  await stack.startLine([receivingStage()]);
  const deaf: Log = { ...interceptSends(stack.log, (records, pass) => pass(records)), consume: async (options) => {
    const consumer = await stack.log.consume(options);
    return { seek: (partition, offset) => consumer.seek(partition, offset), commit: async () => undefined, lastTurnMs: () => consumer.lastTurnMs(), stop: () => consumer.stop() };
  } };
  const { line } = await stack.startLine([passingStage()], { log: deaf });
  await stack.startLine([tallyingStage(stack.pool)]);
  await flow.send(0, 30);
  await flow.applied(30);
  await line.stop();
  await stack.startLine([passingStage()]);
  await flow.send(30, 60);
  await flow.applied(60);
  const forwarded = entriesIn(await stack.read(eventsConsented.name)).map(({ messageId }) => messageId);
  expect(forwarded.length).toBeGreaterThanOrEqual(90);
  await flow.expectOrdered(60);
});
