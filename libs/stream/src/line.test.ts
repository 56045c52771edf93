import { setTimeout as sleep } from 'node:timers/promises';
import type { Entry } from '@tributary/contracts/entry';
import { eventsReceived } from '@tributary/contracts/topics/events-received';
import { profilesScored } from '@tributary/contracts/topics/profiles-scored';
import { segmentsChanged } from '@tributary/contracts/topics/segments-changed';
import { inletEvent, interceptSends, openStreamStack, profileIdOf, type StartedLine, type StreamStack } from '@tributary/testing/stream-stack';
import { passingStage, receivingStage, storedTallies, type Tally, tallyingStage } from '@tributary/testing/test-stages';
import { until } from '@tributary/testing/until';
import { drainBetween } from './drain.js';
import { decodeFrame } from './frame.js';
import type { FoldStage, LogRecord } from './stage.js';

jest.setTimeout(90_000);

const PROFILES = 7;
let stack: StreamStack;
beforeEach(async () => {
  stack = await openStreamStack();
});
afterEach(() => stack.close());

const entriesIn = (records: readonly LogRecord[]): Entry[] => records.flatMap(({ value }) => [...decodeFrame(value as Buffer).entries]);
const events = (tallies: ReadonlyMap<string, string[]>): string[] => [...tallies.values()].flat().filter((step) => step.startsWith('e'));

/** Sends numbered events over all inlet partitions, one after the other, so that their append times tell their order. */
async function sendNumbered(from: number, to: number, pauseMs = 0): Promise<void> {
  for (let number = from; number < to; number++) {
    await stack.send(inletEvent(`p${number % PROFILES}`, String(number), { partition: (number * 5) % 4 }));
    if (pauseMs > 0) await sleep(pauseMs);
  }
}

const applied = (count: number, stage = 'scoring') => until(`${count} events applied`, async () => events(await storedTallies(stack.pool, stage)).length >= count, 30_000);

/** Each profile has its numbers, each once, in the order in which they were sent. */
async function expectOrdered(count: number, stage = 'scoring'): Promise<void> {
  const tallies = await storedTallies(stack.pool, stage);
  for (let profile = 0; profile < PROFILES; profile++) {
    const expected = Array.from({ length: count }, (_, number) => number).filter((number) => number % PROFILES === profile);
    expect((tallies.get(profileIdOf(`p${profile}`)) ?? []).filter((step) => step.startsWith('e'))).toEqual(expected.map((number) => `e${number}`));
  }
}

const startFlow = async (options: Parameters<typeof tallyingStage>[1] = {}): Promise<StartedLine[]> => [
  await stack.startLine([receivingStage()]),
  await stack.startLine([passingStage()]),
  await stack.startLine([tallyingStage(stack.pool, options)]),
];

describe('in order', () => {
  test('every entry arrives once, in the order in which the inlet got to know it', async () => {
    const lines = await startFlow();
    await sendNumbered(0, 100);
    await applied(100);
    await expectOrdered(100);
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
    await startFlow({ holdMs: 400, announces: true });
    await stack.send(inletEvent('warm', 'warm', { partition: 0 }));
    await applied(1);
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
    await applied(1);
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
    await startFlow();
    await stack.startLine([tallyingStage(stack.pool, {}, { name: 'segmentation', reads: profilesScored })]);
    await sendNumbered(0, 60);
    await applied(60, 'segmentation');
    await expectOrdered(60, 'segmentation');
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
});

describe('ends and beginnings', () => {
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
    await sendNumbered(0, 80);
    await applied(80, 'segmentation');
    await expectOrdered(80);
    await expectOrdered(80, 'segmentation');
    expect([...(await stack.log.offsets(eventsReceived.name)).values()].every(({ high }) => high === 0)).toBe(true);
  });

  test('a stage that has to wait for several sources is not chained', () => {
    expect(() => stack.startLine([receivingStage(), passingStage(), tallyingStage(stack.pool)])).rejects.toThrow('cannot run in one process behind');
  });

  test('before stages are chained, what lies between them goes through', async () => {
    const { line } = await stack.startLine([receivingStage()]);
    await sendNumbered(0, 30);
    await until('received', async () => entriesIn(await stack.read(eventsReceived.name)).length >= 30);
    await line.stop();
    const chain = [receivingStage(), passingStage()] as const;
    await drainBetween(stack.optionsFor(chain, { endings: [], failures: [], batches: [], lost: 0, fatal: [] }));
    await stack.startLine(chain);
    await stack.startLine([tallyingStage(stack.pool)]);
    await sendNumbered(30, 60);
    await applied(60);
    await expectOrdered(60);
  });

  test('two processes share the work, one leaves and comes back, and every entry counts once', async () => {
    const first = await stack.startLine([receivingStage()]);
    await stack.startLine([passingStage()]);
    await stack.startLine([tallyingStage(stack.pool)]);
    const sending = sendNumbered(0, 400, 15);
    await sleep(500);
    const second = await stack.startLine([receivingStage()], { log: await stack.openLog() });
    const third = await stack.startLine([tallyingStage(stack.pool)], { log: await stack.openLog() });
    await sleep(1_500);
    await first.line.stop();
    await sleep(1_000);
    await stack.startLine([receivingStage()], { log: await stack.openLog() });
    await sending;
    await applied(400);
    await expectOrdered(400);
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
    await sendNumbered(0, 20);
    const other = await stack.log.consume({ group: 'ingestion', topic: 'inbound.events', onAssigned: async () => new Map(), onRecords: async () => undefined, onFatal: () => undefined });
    await until('it has joined', async () => {
      await other.commit(new Map([0, 1, 2, 3].map((partition) => [partition, 5]))).catch(() => undefined);
      return (await stack.log.committed('ingestion', 'inbound.events')).size === 4;
    });
    await other.stop();
    await startFlow();
    await applied(20);
    await expectOrdered(20);
  });
});

describe('when it breaks in the middle', () => {
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
    await sendNumbered(0, 10);
    await until('it is between commit and send', () => isKilled);
    await log.close();
    return { wake, dead };
  }

  test('what was committed and not sent is sent by the next owner; what the dead one sends later counts for nothing', async () => {
    const { wake, dead } = await killedAfterCommit();
    expect((await stack.pool.query('select 1 from stream.outbox')).rowCount).toBe(1);
    expect(entriesIn(await stack.read(eventsReceived.name))).toEqual([]);
    await startFlow();
    await applied(10);
    wake();
    await sendNumbered(10, 30);
    await applied(30);
    await expectOrdered(30);
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
    await sendNumbered(0, 5);
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
          if (!isCut && query.text?.includes('stream.fence') === true && events(await storedTallies(stack.pool)).length > 0) {
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
    await sendNumbered(0, 40, 10);
    await applied(40);
    await expectOrdered(40);
    expect(isCut).toBe(true);
    expect(story.lost).toBe(0);
    await sendNumbered(40, 50);
    await applied(50);
    await expectOrdered(50);
  });

  test('a database that goes away is waited for', async () => {
    const lines = await startFlow();
    const failures = () => lines.flatMap(({ story }) => story.failures).length;
    let sent = 300;
    const sending = sendNumbered(0, sent, 10);
    // Until one of them has hit a statement under way: an idle connection is replaced without anybody noticing.
    for (let outage = 0; outage < 6 || (failures() === 0 && outage < 200); outage++) {
      await sleep(outage < 6 ? 400 : 37);
      if (outage === 6) await sending;
      if (outage >= 6) await sendNumbered(sent, (sent += 5));
      await stack.pool.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'line' and datname = current_database()");
    }
    await sending;
    await applied(sent);
    await expectOrdered(sent);
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
    await sendNumbered(0, 20);
    await applied(20);
    await expectOrdered(20);
    expect(story.failures.length).toBeGreaterThanOrEqual(3);
    expect(story.fatal).toEqual([]);
  });

  test('a fault that does not pass ends the process instead of going on for ever', async () => {
    const log = interceptSends(stack.log, async (records, pass) => {
      if (records.some(({ topic }) => topic === eventsReceived.name)) throw Object.assign(new Error('no leader'), { name: 'KafkaJSNumberOfRetriesExceeded' });
      return pass(records);
    });
    const { story } = await stack.startLine([receivingStage()], { log, failuresMax: 4 });
    await sendNumbered(0, 1);
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
    await sendNumbered(0, 100, 10);
    await applied(100);
    await expectOrdered(100);
    expect(most).toBe(1);
  });
});
