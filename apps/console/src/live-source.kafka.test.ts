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

test('a tail begins at the end of every partition, and reads until it is stopped', async () => {
  const producer = await log.producer();
  const send = (value: string) => producer.send([0, 1, 2].map((partition) => ({ topic: TOPIC, partition, key: null, value: Buffer.from(`${value} ${partition}`) })));
  const seen: LogRecord[] = [];
  const values = () => seen.map(({ value }) => value?.toString()).sort();
  await send('before');
  const tail = await source.tail({ topic: TOPIC, onRecord: (record) => seen.push(record) });
  await send('after');
  await waitUntil(() => seen.length >= 3);
  expect(values()).toEqual(['after 0', 'after 1', 'after 2']);
  await tail.stop();
  await send('stopped');
  const again = await source.tail({ topic: TOPIC, onRecord: (record) => seen.push(record) });
  await send('again');
  await waitUntil(() => seen.length >= 6);
  expect(values()).toEqual(['after 0', 'after 1', 'after 2', 'again 0', 'again 1', 'again 2']);
  await again.stop();
});
