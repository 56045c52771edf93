import { setTimeout as sleep } from 'node:timers/promises';
import { CompressionAlgorithms, Producer } from '@platformatic/kafka';
import { aRecord, CLIENTS, LogBench, PARTITIONS, textOf } from '@tributary/testing/log-bench';
import { until } from '@tributary/testing/until';
import type { LogRecord } from './stage.js';

jest.setTimeout(90_000);

describe.each(CLIENTS)('the log through %s', (client) => {
  let bench: LogBench;
  beforeEach(async () => {
    bench = await LogBench.open(client);
  });
  afterEach(() => bench.close());

  test('keys, values, headers and chosen partitions arrive as they were sent', async () => {
    await bench.send(
      aRecord('a', { partition: 2, key: Buffer.from('k'), headers: { reason: 'ümläut', empty: '' } }),
      aRecord(null, { partition: 1, headers: { control: 'tick' } }),
      aRecord('', { partition: 3, key: Buffer.from([0, 255]) }),
    );
    expect((await bench.read()).map(({ timestampMs: _, ...rest }) => rest)).toEqual([
      { topic: bench.topic, partition: 1, offset: 0, key: null, value: null, headers: { control: 'tick' } },
      { topic: bench.topic, partition: 2, offset: 0, key: Buffer.from('k'), value: Buffer.from('a'), headers: { reason: 'ümläut', empty: '' } },
      { topic: bench.topic, partition: 3, offset: 0, key: Buffer.from([0, 255]), value: Buffer.from(''), headers: {} },
    ]);
  });

  test('records of one key go to one partition, the same through either client', async () => {
    const other = await bench.openLog(client === 'kafkajs' ? 'platformatic' : 'kafkajs');
    const keys = Array.from({ length: 40 }, (_, index) => `00000000-${index}`);
    await bench.send(...keys.map((key) => aRecord(`here ${key}`, { key: Buffer.from(key) })));
    await (await other.producer()).send(keys.map((key) => ({ ...aRecord(`there ${key}`, { key: Buffer.from(key) }), topic: bench.topic })));
    const partitionOf = new Map((await bench.read()).map((each) => [textOf(each), each.partition]));
    for (const key of keys) expect(partitionOf.get(`here ${key}`)).toBe(partitionOf.get(`there ${key}`));
    expect(new Set(partitionOf.values()).size).toBe(PARTITIONS);
  });

  test('sends keep their order, however many are under way', async () => {
    await Promise.all(Array.from({ length: 200 }, (_, index) => bench.send(aRecord(String(index), { partition: 0 }))));
    expect((await bench.read()).map(textOf)).toEqual(Array.from({ length: 200 }, (_, index) => String(index)));
  });

  test('a send larger than the broker takes at once arrives whole', async () => {
    await bench.send(...Array.from({ length: 40 }, (_, index) => aRecord(String(index).padEnd(100_000), { partition: 0 })));
    expect((await bench.read()).map((each) => Number(textOf(each)))).toEqual(Array.from({ length: 40 }, (_, index) => index));
  });

  test('a topic that does not exist is an error', async () => {
    await expect((await bench.log.producer()).send([{ ...aRecord('x', { partition: 0 }), topic: 'nothing-of-the-kind' }])).rejects.toThrow();
  }, 120_000);

  test('the time of a record is when the broker appended it, where the topic says so', async () => {
    const own = bench.topic;
    await bench.newTopic({ 'message.timestamp.type': 'LogAppendTime' });
    const raw = bench.rawKafkajs().producer();
    await raw.connect();
    const beforeMs = Date.now();
    for (const name of [bench.topic, own]) await raw.send({ topic: bench.nameOf(name), messages: [0, 1, 2].map((index) => ({ partition: 0, value: String(index), timestamp: String(1_000 + index) })) });
    const afterMs = Date.now();
    await raw.disconnect();
    for (const { timestampMs } of await bench.read()) {
      expect(timestampMs).toBeGreaterThanOrEqual(beforeMs);
      expect(timestampMs).toBeLessThanOrEqual(afterMs);
    }
    bench.topic = own;
    expect((await bench.read()).map(({ timestampMs }) => timestampMs)).toEqual([1_000, 1_001, 1_002]);
  });

  test('topics are made once, with their configuration, and left alone afterwards', async () => {
    const kept = `${bench.topic}-kept`;
    await bench.create(kept, { 'retention.ms': '12345' });
    await bench.log.ensureTopics([{ name: kept, partitions: 9, replicationFactor: 1, config: { 'retention.ms': '1' } }]);
    expect((await bench.log.offsets(kept)).size).toBe(PARTITIONS);
    const admin = bench.rawKafkajs().admin();
    await admin.connect();
    const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [{ type: 2, name: bench.nameOf(kept), configNames: ['retention.ms'] }] });
    await admin.disconnect();
    expect(resources[0]?.configEntries[0]?.configValue).toBe('12345');
  });

  test('offsets tell where a partition begins and ends, also when its beginning is gone', async () => {
    await bench.send(...[0, 1, 2, 3].map((index) => aRecord(String(index), { partition: 1 })));
    expect(await bench.log.offsets(bench.topic)).toEqual(new Map([0, 1, 2, 3].map((partition) => [partition, { low: 0, high: partition === 1 ? 4 : 0 }])));
    await bench.deleteBefore(1, 3);
    expect((await bench.log.offsets(bench.topic)).get(1)).toEqual({ low: 3, high: 4 });
  });

  test('upstream may compress as it likes', async () => {
    await bench.newTopic({ 'compression.type': 'uncompressed' });
    const raw = new Producer({ clientId: 'upstream', bootstrapBrokers: bench.brokers, autocreateTopics: false });
    const algorithms = [CompressionAlgorithms.GZIP, CompressionAlgorithms.SNAPPY, CompressionAlgorithms.LZ4, CompressionAlgorithms.ZSTD];
    const sent: string[] = [];
    for (const compression of algorithms) {
      try {
        await raw.send({ compression, messages: [{ topic: bench.nameOf(bench.topic), partition: 0, key: Buffer.from('k'), value: Buffer.from(compression.repeat(100)) }] });
        sent.push(compression);
      } catch (error) {
        // Some algorithms need a package that is not installed here.
        expect(String(error)).toMatch(/compression|package|install/i);
      }
    }
    await raw.close();
    expect(sent.length).toBeGreaterThanOrEqual(2);
    expect((await bench.read()).map(textOf)).toEqual(sent.map((name) => name.repeat(100)));
  });

  describe('reading along', () => {
    test.each([
      ['from the end', undefined, ['2']],
      ['from the start', 'start' as const, ['0', '1', '2']],
      ['from given offsets', new Map([[0, 1]]), ['1', '2']],
    ])('%s', async (_, from, expected) => {
      await bench.send(aRecord('0', { partition: 0 }), aRecord('1', { partition: 0 }));
      const records: LogRecord[] = [];
      const tail = await bench.log.tail({ topic: bench.topic, ...(from === undefined ? {} : { from }), onRecord: (each) => void records.push(each) });
      await bench.send(aRecord('2', { partition: 0 }));
      await until('it has come', () => records.some((each) => textOf(each) === '2'));
      expect(records.map(textOf)).toEqual(expected);
      await tail.stop();
      await bench.send(aRecord('3', { partition: 0 }));
      await sleep(300);
      expect(records).toHaveLength(expected.length);
    });
  });
});
