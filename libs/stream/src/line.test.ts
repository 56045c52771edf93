import { inboundEvents } from '@tributary/contracts/topics/inbound-events';
import { segmentsChanged } from '@tributary/contracts/topics/segments-changed';
import { inletEvent, openStreamStack, profileIdOf, type StreamStack } from '@tributary/testing/stream-stack';
import { until } from '@tributary/testing/until';
import { passingStage, receivingStage, storedTallies, tallyingStage } from '@tributary/testing/test-stages';

jest.setTimeout(60_000);

describe('three lines, one after the other', () => {
  let stack: StreamStack;
  beforeAll(async () => {
    stack = await openStreamStack();
  });
  afterAll(() => stack.close());

  test('every entry arrives once, in the order in which the inlet got to know it, and timers fire when idle', async () => {
    const { story: s1 } = await stack.startLine([receivingStage()]);
    const { story: s2 } = await stack.startLine([passingStage()]);
    const { story: s3 } = await stack.startLine([tallyingStage(stack.pool, { holdMs: 300, announces: true })]);
    const arrivals = new Map<string, number>();
    const tail = await stack.log.tail({ topic: segmentsChanged.name, onRecord: (r) => arrivals.set((r.value as Buffer).toString(), Date.now()) });
    for (let i = 0; i < 40; i++) {
      await stack.send(inletEvent(`p${i % 5}`, String(i), { partition: (i * 7) % 4 }));
      await new Promise((r) => setTimeout(r, 3));
    }
    await until('all 40 applied', async () => [...(await storedTallies(stack.pool)).values()].flat().filter((s) => s.startsWith('e')).length === 40);
    await until('5 timers fired', async () => [...(await storedTallies(stack.pool)).values()].every((steps) => steps.at(-1)?.startsWith('t')));
    const tallies = await storedTallies(stack.pool);
    for (let p = 0; p < 5; p++) {
      const steps = tallies.get(profileIdOf(`p${p}`)) ?? [];
      expect(steps.filter((s) => s.startsWith('e'))).toEqual(Array.from({ length: 8 }, (_, k) => `e${p + 5 * k}`));
    }
    await new Promise((r) => setTimeout(r, 200));
    for (const [step, at] of arrivals) if (step.startsWith('t')) console.log(step, at - Number(step.slice(1)));
    console.log(JSON.stringify([s1.failures, s2.failures, s3.failures].map(String)), s1.fatal, s2.fatal, s3.fatal);
    console.log((await stack.pool.query('select * from stream.progress order by 1,2')).rows);
    await tail.stop();
    expect(inboundEvents.name).toBe('inbound.events');
  });
});
