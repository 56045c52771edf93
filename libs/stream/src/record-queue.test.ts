import { RecordQueue } from './record-queue.js';
import type { LogRecord } from './stage.js';

const records = (count: number, bytes: number, from = 0): LogRecord[] =>
  Array.from({ length: count }, (_, index) => ({ topic: 't', partition: 0, offset: from + index, timestampMs: 0, key: null, value: Buffer.alloc(bytes), headers: {} }));

async function isWaiting(room: Promise<void>): Promise<boolean> {
  return Promise.race([room.then(() => false), new Promise<boolean>((resolve) => setImmediate(() => resolve(true)))]);
}

test('who brings more than fits waits until half of it is gone', async () => {
  const queue = new RecordQueue();
  expect(await isWaiting(queue.push(records(10, 1_000_000)))).toBe(false);
  const room = queue.push(records(10, 1_000_000, 10));
  expect(await isWaiting(room)).toBe(true);
  const taken: number[] = [];
  while (await isWaiting(room)) taken.push(...queue.take().map(({ offset }) => offset));
  expect(queue.length).toBeLessThan(10);
  expect(queue.length).toBeGreaterThan(0);
  while (queue.length > 0) taken.push(...queue.take().map(({ offset }) => offset));
  expect(taken).toEqual(records(20, 0).map(({ offset }) => offset));
});

test('many small records are bounded too, in the queue and in a batch', async () => {
  const queue = new RecordQueue();
  expect(await isWaiting(queue.push(records(20_000, 1)))).toBe(true);
  expect(queue.take()).toHaveLength(2_000);
  expect(queue.take(1)).toHaveLength(1);
  expect(queue.take(0)).toHaveLength(0);
});

test('a batch has bounded bytes, but at least one record', () => {
  const queue = new RecordQueue();
  void queue.push(records(3, 3_000_000));
  expect(queue.take()).toHaveLength(2);
  void queue.push(records(1, 9_000_000));
  expect(queue.take()).toHaveLength(2);
});

test.each(['clear', 'close'] as const)('after %s nobody waits', async (end) => {
  const queue = new RecordQueue();
  const room = queue.push(records(1, 20_000_000));
  expect(await isWaiting(room)).toBe(true);
  queue[end]();
  expect(await isWaiting(room)).toBe(false);
  if (end === 'close') expect(await isWaiting(queue.push(records(1, 20_000_000)))).toBe(false);
});
