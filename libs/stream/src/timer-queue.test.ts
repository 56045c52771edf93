import fc from 'fast-check';
import { TimerQueue } from './timer-queue.js';

const commands = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('set' as const), id: fc.nat(8), dueMs: fc.nat(30) }),
    fc.record({ do: fc.constant('delete' as const), id: fc.nat(8) }),
    fc.record({ do: fc.constant('take' as const), beforeMs: fc.nat(35), max: fc.nat(5) }),
  ),
  { maxLength: 60 },
);

test('it does what a list sorted anew at every call would do', () => {
  fc.assert(fc.property(commands, (all) => {
    const queue = new TimerQueue<number>();
    const naive = new Map<string, number>();
    const sorted = () => [...naive.values()].sort((left, right) => left - right);
    for (const command of all) {
      if (command.do === 'set') {
        queue.set(String(command.id), command.id, command.dueMs);
        naive.set(String(command.id), command.dueMs);
      } else if (command.do === 'delete') {
        queue.delete(String(command.id));
        naive.delete(String(command.id));
      } else {
        const taken = queue.take(command.beforeMs, command.max);
        expect(taken.map(({ dueMs }) => dueMs)).toEqual(sorted().filter((dueMs) => dueMs < command.beforeMs).slice(0, command.max));
        for (const { id, key, dueMs } of taken) {
          expect(naive.get(id)).toBe(dueMs);
          expect(String(key)).toBe(id);
          naive.delete(id);
        }
      }
      expect(queue.nextMs()).toBe(sorted()[0] ?? null);
      expect(queue.size).toBe(naive.size);
    }
  }), { numRuns: 500 });
});

test('timers that keep moving do not fill memory', () => {
  const queue = new TimerQueue<string>();
  for (let round = 0; round < 1_000; round++) for (let id = 0; id < 100; id++) queue.set(String(id), String(id), 1_000_000 + round);
  expect(queue.entries).toBeLessThan(1_000);
  expect(queue.take(Infinity, 200).map(({ dueMs }) => dueMs)).toEqual(Array<number>(100).fill(1_000_999));
});
