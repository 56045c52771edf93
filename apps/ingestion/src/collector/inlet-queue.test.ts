import type { OutRecord } from '@tributary/stream/stage';
import { InletQueue } from './inlet-queue.js';

const aRecord = (bytes = 10): OutRecord => ({ topic: 't', key: null, value: Buffer.alloc(bytes) });

/** A broker that takes a send when told to. */
class Broker {
  readonly sends: (readonly OutRecord[])[] = [];
  #answer: { resolve: () => void; reject: (error: Error) => void } | undefined;

  readonly producer = async () => ({
    send: (records: readonly OutRecord[]): Promise<void> => {
      this.sends.push(records);
      return new Promise((resolve, reject) => (this.#answer = { resolve, reject }));
    },
  });

  async take(): Promise<void> {
    this.#answer?.resolve();
    await turn();
  }

  async fail(): Promise<void> {
    this.#answer?.reject(new Error('down'));
    await turn();
  }
}

/** Also of a loop that was held up: there a timer may come before what was to be done at once. */
async function turn(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 2));
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

describe('the way into the inlet', () => {
  test('what comes in while a send is under way goes with the next, together', async () => {
    const broker = new Broker();
    const queue = new InletQueue(broker.producer);
    const first = [queue.append([aRecord()]), queue.append([aRecord()])];
    await turn();
    const second = [queue.append([aRecord()]), queue.append([aRecord(), aRecord()])];
    await turn();
    expect(broker.sends.map((records) => records.length)).toEqual([2]);
    await broker.take();
    await Promise.all(first);
    expect(broker.sends.map((records) => records.length)).toEqual([2, 3]);
    await broker.take();
    await Promise.all(second);
  });

  test('nobody is answered before the broker has all of a request', async () => {
    const broker = new Broker();
    const queue = new InletQueue(broker.producer);
    let answered = false;
    const request = queue.append([aRecord(600_000), aRecord(600_000)]).then(() => (answered = true));
    await turn();
    await broker.take();
    expect([broker.sends.length, answered]).toEqual([2, false]);
    await broker.take();
    await request;
  });

  test('a send that fails is answered with 503, and the next one goes on', async () => {
    const broker = new Broker();
    const queue = new InletQueue(broker.producer);
    const failed = queue.append([aRecord()]);
    await turn();
    const next = queue.append([aRecord()]);
    await broker.fail();
    await expect(failed).rejects.toMatchObject({ status: 503, retryAfterSeconds: 1 });
    await broker.take();
    await next;
  });

  test('a broker that cannot be reached at all is 503 too', async () => {
    const queue = new InletQueue(async () => { throw new Error('unreachable'); });
    await expect(queue.append([aRecord()])).rejects.toMatchObject({ status: 503 });
    await expect(queue.append([aRecord()])).rejects.toMatchObject({ status: 503 });
  });

  test('beyond what may wait, callers are asked to come back; afterwards there is room again', async () => {
    const broker = new Broker();
    const queue = new InletQueue(broker.producer);
    const waiting = [queue.append([aRecord(16 * 1024 * 1024)]), queue.append([aRecord(15 * 1024 * 1024)])];
    await expect(queue.append([aRecord(2 * 1024 * 1024)])).rejects.toMatchObject({ status: 429, retryAfterSeconds: 1 });
    await turn();
    await broker.take();
    await broker.take();
    await Promise.all(waiting);
    const later = queue.append([aRecord(2 * 1024 * 1024)]);
    await turn();
    await broker.take();
    await later;
  });

  test('a broker that does not answer keeps nobody longer than 10 s', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'queueMicrotask', 'nextTick'] });
    try {
      const queue = new InletQueue(new Broker().producer);
      const request = queue.append([aRecord()]);
      const answer = expect(request).rejects.toMatchObject({ status: 503 });
      await jest.advanceTimersByTimeAsync(10_000);
      await answer;
    } finally {
      jest.useRealTimers();
    }
  });

  test('an empty request waits for nobody', async () => {
    await new InletQueue(new Broker().producer).append([]);
  });
});
