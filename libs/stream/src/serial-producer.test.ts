import { SerialProducer } from './serial-producer.js';
import type { OutRecord } from './stage.js';

const record = (value: string | Buffer): OutRecord => ({ topic: 't', key: null, value: Buffer.from(value) });

test('sends go out one after the other, and a failed one does not stop the next', async () => {
  const story: string[] = [];
  const producer = new SerialProducer(async ([first]) => {
    const name = (first?.value as Buffer).toString();
    story.push(`${name} begins`);
    await new Promise((resolve) => setTimeout(resolve, 5));
    story.push(`${name} ends`);
    if (name === 'b') throw new Error('no leader');
  });
  const sent = ['a', 'b', 'c'].map((name) => producer.send([record(name)]));
  expect((await Promise.allSettled(sent)).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(story).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
});

test('a large send goes as requests that a broker takes, in order, each record once', async () => {
  const requests: number[][] = [];
  const producer = new SerialProducer(async (records) => void requests.push(records.map(({ value }) => (value as Buffer).length)));
  const sizes = [400_000, 300_000, 200_000, 2_000_000, 1, 1];
  await producer.send(sizes.map((size) => record(Buffer.alloc(size))));
  expect(requests).toEqual([[400_000, 300_000], [200_000], [2_000_000], [1, 1]]);
  await producer.send([]);
  expect(requests).toHaveLength(4);
});
