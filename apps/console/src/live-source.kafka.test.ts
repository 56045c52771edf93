import { createTestBroker } from '@tributary/testing/test-broker';
import { openLog, type Log } from '@tributary/stream/log';
import type { LogRecord } from '@tributary/stream/stage';
import { waitUntil } from '../web/play/visitor.js';
import { ConsoleConfig } from './console.config.js';
import { KafkaLiveSource } from './live-source.kafka.js';

jest.setTimeout(60_000);

const TOPIC = 'segments.changed';

let log: Log;
let source: KafkaLiveSource;

beforeAll(async () => {
  const { brokers, prefix } = createTestBroker();
  log = await openLog({ brokers, prefix, client: 'kafkajs', clientId: 'test' });
  await log.ensureTopics([{ name: TOPIC, partitions: 3, replicationFactor: 1, config: {} }]);
  source = new KafkaLiveSource(Object.assign(new ConsoleConfig(), { KAFKA_BROKERS: [...brokers], TOPIC_PREFIX: prefix }));
});

afterAll(async () => {
  await source?.close();
  await log?.close();
});

test('a tail gives the newest of before in the order of time, then everything, each once, until it is stopped', async () => {
  const producer = await log.producer();
  const send = (partition: number, value: string) => producer.send([{ topic: TOPIC, partition, key: null, value: Buffer.from(value) }]);
  for (const [partition, value] of [[0, 'a'], [0, 'b'], [1, 'c'], [0, 'd'], [0, 'e']] as const) await send(partition, value);
  const recent: LogRecord[] = [];
  const seen: LogRecord[] = [];
  const open = () => source.tail({ topic: TOPIC, recentMax: 6, onRecent: (records) => recent.push(...records), onRecord: (record) => seen.push(record) });
  const texts = (records: readonly LogRecord[]) => records.map(({ value }) => value?.toString());

  const tail = await open();
  expect(texts(recent)).toEqual(['c', 'd', 'e']);
  for (const partition of [0, 1, 2]) await send(partition, `after ${partition}`);
  await waitUntil(() => seen.length >= 3);
  expect(texts(seen).sort()).toEqual(['after 0', 'after 1', 'after 2']);

  await tail.stop();
  await send(2, 'stopped');
  const again = await open();
  await send(2, 'again');
  await waitUntil(() => seen.length >= 4);
  expect(texts(seen).slice(3)).toEqual(['again']);
  await again.stop();
});

test('an empty topic has no past, and is not waited for', async () => {
  await log.ensureTopics([{ name: 'events.received', partitions: 2, replicationFactor: 1, config: {} }]);
  let pasts = 0;
  const startedMs = Date.now();
  const tail = await source.tail({ topic: 'events.received', recentMax: 10, onRecent: (records) => void (pasts += 1 + records.length), onRecord: () => undefined });
  expect(pasts).toBe(1);
  expect(Date.now() - startedMs).toBeLessThan(4_500);
  await tail.stop();
});
