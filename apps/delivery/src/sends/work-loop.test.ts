import { WorkLoop } from './work-loop.js';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('a loop of work', () => {
  test('sleeps until it is woken, also when that happens while it works', async () => {
    let runs = 0;
    const loop = new WorkLoop({
      name: 'test',
      work: async () => {
        runs += 1;
        if (runs === 1) loop.wake();
        return 60_000;
      },
    });
    loop.start();
    await pause(20);
    expect(runs).toBe(2);
    loop.wake();
    await pause(20);
    expect(runs).toBe(3);
    await loop.stop();
    loop.wake();
    await pause(20);
    expect(runs).toBe(3);
  });

  test('goes on after a failure, recovers first, and is not hurried by being woken', async () => {
    const happened: string[] = [];
    const loop = new WorkLoop({
      name: 'test',
      work: async () => {
        happened.push('work');
        if (happened.length === 1) throw new Error('once');
        return 60_000;
      },
      recover: async () => void happened.push('recover'),
    });
    loop.start();
    await pause(50);
    loop.wake();
    await pause(50);
    expect(happened).toEqual(['work']);
    await pause(600);
    expect(happened).toEqual(['work', 'recover', 'work']);
    await loop.stop();
  });

  test('stops at once while it waits after a failure', async () => {
    const loop = new WorkLoop({ name: 'test', work: async () => Promise.reject(new Error('always')) });
    loop.start();
    await pause(20);
    const startedMs = Date.now();
    await loop.stop();
    expect(Date.now() - startedMs).toBeLessThan(200);
  });
});
