import { setTimeout as sleep } from 'node:timers/promises';
import { Admin, CompressionAlgorithms, Producer } from '@platformatic/kafka';
import { createTestBroker, type TestBroker } from '@tributary/testing/test-broker';
import { until } from '@tributary/testing/until';
import { Kafka, logLevel } from 'kafkajs';
import { type ConsumeOptions, type Log, type LogConfig, type LogConsumer, openLog } from './log.js';
import type { LogRecord, OutRecord } from './stage.js';

jest.setTimeout(90_000);

const PARTITIONS = 4;
const textOf = ({ value }: LogRecord) => value?.toString() ?? null;
const record = (topic: string, value: string | null, more: Partial<OutRecord> = {}): OutRecord => ({ topic, key: null, value: value === null ? null : Buffer.from(value), ...more });

describe.each<LogConfig['client']>(['kafkajs', 'platformatic'])('the log through %s', (client) => {
  let broker: TestBroker;
  let logs: Log[];
  let log: Log;
  let topics = 0;
  let topic: string;

  beforeAll(() => {
    broker = createTestBroker();
  });
  beforeEach(async () => {
    logs = [];
    log = await open();
    topic = `topic-${topics++}`;
    await create({});
  });
  afterEach(() => Promise.all(logs.map((one) => one.close())));

  async function open(other = client): Promise<Log> {
    const opened = await openLog({ brokers: broker.brokers, clientId: 'contract', client: other, prefix: broker.prefix });
    logs.push(opened);
    return opened;
  }

  const create = (config: { [key: string]: string }, name = topic) => log.ensureTopics([{ name, partitions: PARTITIONS, replicationFactor: 1, config }]);
  const send = async (...records: OutRecord[]) => (await log.producer()).send(records);

  /** Everything in the topic now, in order of partition and offset. */
  async function read(from: Log = log): Promise<LogRecord[]> {
    const ends = await from.offsets(topic);
    const expected = [...ends.values()].reduce((sum, { low, high }) => sum + high - low, 0);
    const records: LogRecord[] = [];
    const tail = await from.tail({ topic, from: 'start', onRecord: (each) => void records.push(each) });
    await until(`${expected} records read`, () => records.length >= expected);
    await tail.stop();
    return records.sort((left, right) => left.partition - right.partition || left.offset - right.offset);
  }

  interface Member {
    readonly consumer: LogConsumer;
    readonly assigned: (readonly number[])[];
    readonly records: LogRecord[];
    readonly fatal: Error[];
  }

  async function join(overrides: Partial<ConsumeOptions> = {}, from: Log = log): Promise<Member> {
    const member = { assigned: [] as (readonly number[])[], records: [] as LogRecord[], fatal: [] as Error[] };
    const consumer = await from.consume({
      group: 'readers', topic,
      onAssigned: async (partitions) => {
        member.assigned.push(partitions);
        return new Map(partitions.map((partition) => [partition, 0]));
      },
      onRecords: async (_, records) => void member.records.push(...records),
      onFatal: (error) => void member.fatal.push(error),
      ...overrides,
    });
    return { ...member, consumer };
  }

  test('keys, values, headers and chosen partitions arrive as they were sent', async () => {
    await send(
      record(topic, 'a', { partition: 2, key: Buffer.from('k'), headers: { reason: 'ümläut', empty: '' } }),
      record(topic, null, { partition: 1, headers: { control: 'tick' } }),
      record(topic, '', { partition: 3, key: Buffer.from([0, 255]) }),
    );
    expect((await read()).map(({ timestampMs: _, ...rest }) => rest)).toEqual([
      { topic, partition: 1, offset: 0, key: null, value: null, headers: { control: 'tick' } },
      { topic, partition: 2, offset: 0, key: Buffer.from('k'), value: Buffer.from('a'), headers: { reason: 'ümläut', empty: '' } },
      { topic, partition: 3, offset: 0, key: Buffer.from([0, 255]), value: Buffer.from(''), headers: {} },
    ]);
  });

  test('records of one key go to one partition, the same through either client', async () => {
    const other = await open(client === 'kafkajs' ? 'platformatic' : 'kafkajs');
    const keys = Array.from({ length: 40 }, (_, index) => `00000000-${index}`);
    await send(...keys.map((key) => record(topic, `here ${key}`, { key: Buffer.from(key) })));
    await (await other.producer()).send(keys.map((key) => record(topic, `there ${key}`, { key: Buffer.from(key) })));
    const partitionOf = new Map((await read()).map((each) => [textOf(each), each.partition]));
    for (const key of keys) expect(partitionOf.get(`here ${key}`)).toBe(partitionOf.get(`there ${key}`));
    expect(new Set(partitionOf.values()).size).toBe(PARTITIONS);
  });

  test('sends keep their order, however many are under way', async () => {
    await Promise.all(Array.from({ length: 200 }, (_, index) => send(record(topic, String(index), { partition: 0 }))));
    expect((await read()).map(textOf)).toEqual(Array.from({ length: 200 }, (_, index) => String(index)));
  });

  test('a send larger than the broker takes at once arrives whole', async () => {
    await send(...Array.from({ length: 40 }, (_, index) => record(topic, String(index).padEnd(100_000), { partition: 0 })));
    expect((await read()).map((each) => Number(textOf(each)))).toEqual(Array.from({ length: 40 }, (_, index) => index));
  });

  test('a topic that does not exist is an error', async () => {
    await expect(send(record('nothing-of-the-kind', 'x', { partition: 0 }))).rejects.toThrow();
  }, 120_000);

  test('the time of a record is when the broker appended it, where the topic says so', async () => {
    const own = `${topic}-own`;
    await create({ 'message.timestamp.type': 'LogAppendTime' });
    topic = `topic-${topics++}`;
    await create({ 'message.timestamp.type': 'LogAppendTime' });
    await create({}, own);
    const raw = rawKafkajs(broker).producer();
    await raw.connect();
    const beforeMs = Date.now();
    for (const name of [topic, own]) await raw.send({ topic: broker.prefix + name, messages: [0, 1, 2].map((index) => ({ partition: 0, value: String(index), timestamp: String(1_000 + index) })) });
    const afterMs = Date.now();
    await raw.disconnect();
    for (const { timestampMs } of await read()) {
      expect(timestampMs).toBeGreaterThanOrEqual(beforeMs);
      expect(timestampMs).toBeLessThanOrEqual(afterMs);
    }
    topic = own;
    expect((await read()).map(({ timestampMs }) => timestampMs)).toEqual([1_000, 1_001, 1_002]);
  });

  test('topics are made once, with their configuration, and left alone afterwards', async () => {
    await create({ 'retention.ms': '12345' }, `${topic}-kept`);
    await log.ensureTopics([{ name: `${topic}-kept`, partitions: 9, replicationFactor: 1, config: { 'retention.ms': '1' } }]);
    expect((await log.offsets(`${topic}-kept`)).size).toBe(PARTITIONS);
    const admin = rawKafkajs(broker).admin();
    await admin.connect();
    const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [{ type: 2, name: `${broker.prefix}${topic}-kept`, configNames: ['retention.ms'] }] });
    await admin.disconnect();
    expect(resources[0]?.configEntries[0]?.configValue).toBe('12345');
  });

  test('offsets tell where a partition begins and ends, also when its beginning is gone', async () => {
    await send(...[0, 1, 2, 3].map((index) => record(topic, String(index), { partition: 1 })));
    expect(await log.offsets(topic)).toEqual(new Map([0, 1, 2, 3].map((partition) => [partition, { low: 0, high: partition === 1 ? 4 : 0 }])));
    await deleteBefore(broker, topic, 1, 3);
    expect((await log.offsets(topic)).get(1)).toEqual({ low: 3, high: 4 });
  });

  describe('a group', () => {
    test('reads from where the assignment was answered, whatever the broker remembers; what was left out is not read', async () => {
      await send(...[0, 1, 2, 3].flatMap((partition) => [0, 1, 2, 3].map((index) => record(topic, `${partition}:${index}`, { partition }))));
      const first = await join();
      await until('all read', () => first.records.length === 16);
      await first.consumer.commit(new Map([0, 1, 2, 3].map((partition) => [partition, 4])));
      await first.consumer.stop();
      const second = await join({ onAssigned: async () => new Map([[0, 2], [1, 0]]) });
      await until('what was asked for', () => second.records.length >= 6);
      await sleep(500);
      expect(second.records.map(textOf).sort()).toEqual(['0:2', '0:3', '1:0', '1:1', '1:2', '1:3']);
      expect(second.fatal).toEqual([]);
    });

    test('gets nothing before the assignment has been answered', async () => {
      await send(record(topic, 'x', { partition: 0 }));
      let isAnswered = false;
      const early: boolean[] = [];
      const member = await join({
        onAssigned: async (partitions) => {
          await sleep(1_000);
          isAnswered = true;
          return new Map(partitions.map((partition) => [partition, 0]));
        },
        onRecords: async (_, records) => void records.forEach((each) => (early.push(!isAnswered), member.records.push(each))),
      });
      await until('it has come', () => member.records.length === 1);
      expect(early).toEqual([false]);
    });

    test('reads again from where it is told, and nothing from elsewhere in between', async () => {
      await send(...Array.from({ length: 50 }, (_, index) => record(topic, String(index), { partition: 0 })));
      const member = await join();
      await until('all read', () => member.records.length === 50);
      member.consumer.seek(0, 20);
      await send(record(topic, '50', { partition: 0 }));
      await until('read again', () => member.records.length >= 81);
      expect(member.records.slice(50).map(({ offset }) => offset)).toEqual(Array.from({ length: 31 }, (_, index) => 20 + index));
    });

    test('reads no further while what it read has not been taken', async () => {
      let resume = () => undefined as void;
      const records: LogRecord[] = [];
      await join({
        onRecords: (_, batch) => {
          records.push(...batch);
          return new Promise((resolve) => (resume = resolve));
        },
      });
      await send(record(topic, '0', { partition: 0 }));
      await until('the first has come', () => records.length === 1);
      await send(...[1, 2, 3].map((index) => record(topic, String(index), { partition: 0 })));
      await sleep(1_000);
      expect(records).toHaveLength(1);
      resume();
      await until('the rest has come', () => records.length === 4);
      resume();
    });

    test('stays a member while it is busy for longer than a session, and says that it lives', async () => {
      let resume = () => undefined as void;
      const member = await join({ onRecords: () => new Promise((resolve) => (resume = resolve)) });
      await send(record(topic, '0', { partition: 0 }));
      await sleep(10_000);
      expect(member.assigned).toHaveLength(1);
      expect(Date.now() - member.consumer.lastTurnMs()).toBeLessThan(5_000);
      resume();
    });

    test('tells the broker how far it is, and is told', async () => {
      const member = await join();
      await member.consumer.commit(new Map([[0, 7], [3, 1]]));
      expect(await log.committed('readers', topic)).toEqual(new Map([[0, 7], [3, 1]]));
      expect(await log.committed('nobody', topic)).toEqual(new Map());
    });

    test('shares the partitions; who leaves hands them over at once, and nothing is lost or read by two', async () => {
      const done = new Map<number, number>();
      const owner = new Map<number, string>();
      const seen: string[] = [];
      const member = (name: string): Partial<ConsumeOptions> => ({
        onAssigned: async (partitions) => {
          for (const partition of partitions) owner.set(partition, name);
          return new Map(partitions.map((partition) => [partition, done.get(partition) ?? 0]));
        },
        onRecords: async (partition, records) => {
          // The fence of the database stands here: who does not own a partition any more, or reads elsewhere, has no effect.
          if (owner.get(partition) !== name || records[0]?.offset !== (done.get(partition) ?? 0)) return;
          seen.push(...records.map((each) => `${partition}:${each.offset}`));
          done.set(partition, (records[records.length - 1] as LogRecord).offset + 1);
        },
      });
      let sent = 0;
      const sending = { isOn: true };
      const load = (async () => {
        while (sending.isOn) {
          await send(...[0, 1, 2, 3].map((partition) => record(topic, String(sent), { partition })));
          sent++;
          await sleep(20);
        }
      })();
      const first = await join(member('first'));
      await until('the first owns all', () => owner.size === PARTITIONS);
      const second = await join(member('second'), await open());
      await until('they share', () => new Set(owner.values()).size === 2, 20_000);
      await sleep(500);
      await first.consumer.stop();
      await until('the second owns all', () => [...owner.values()].every((name) => name === 'second'), 6_000);
      sending.isOn = false;
      await load;
      await until('everything has been read', () => seen.length === sent * PARTITIONS, 20_000);
      expect(new Set(seen).size).toBe(seen.length);
      expect([first.fatal, second.fatal]).toEqual([[], []]);
    });

    test('passes what transactions leave in the log, and leaves out what they took back', async () => {
      const producer = rawKafkajs(broker).producer({ transactionalId: `${broker.prefix}tx`, idempotent: true, maxInFlightRequests: 1 });
      await producer.connect();
      const member = await join();
      for (const [index, end] of (['commit', 'abort', 'commit', 'abort', 'abort', 'commit'] as const).entries()) {
        const transaction = await producer.transaction();
        await transaction.send({ topic: broker.prefix + topic, messages: [{ partition: 0, value: `${end} ${index}` }] });
        await transaction[end]();
        await sleep(index % 2 === 0 ? 300 : 0);
      }
      await producer.disconnect();
      await send(record(topic, 'plain', { partition: 0 }));
      await until('the last has come', () => member.records.some((each) => textOf(each) === 'plain'), 20_000);
      expect(member.records.map(textOf)).toEqual(['commit 0', 'commit 2', 'commit 5', 'plain']);
      expect(member.fatal).toEqual([]);
    });

    test('reports that the log has not what it is told to read, instead of reading something else', async () => {
      await send(...[0, 1, 2, 3].map((index) => record(topic, String(index), { partition: 0 })));
      await deleteBefore(broker, topic, 0, 3);
      const member = await join();
      await until('it is fatal', () => member.fatal.length > 0, 30_000);
      expect(member.fatal[0]?.message).toContain('records were lost');
      expect(member.records).toEqual([]);
    });

    test('reports an assignment that cannot be answered', async () => {
      const member = await join({ onAssigned: async () => Promise.reject(new Error('the database says no')) });
      await until('it is fatal', () => member.fatal.length > 0);
      expect(member.fatal[0]?.message).toBe('the database says no');
    });
  });

  test('upstream may compress as it likes', async () => {
    topic = `topic-${topics++}`;
    await create({ 'compression.type': 'uncompressed' });
    const raw = new Producer({ clientId: 'upstream', bootstrapBrokers: [...broker.brokers], autocreateTopics: false });
    const algorithms = [CompressionAlgorithms.GZIP, CompressionAlgorithms.SNAPPY, CompressionAlgorithms.LZ4, CompressionAlgorithms.ZSTD];
    const sent: string[] = [];
    for (const compression of algorithms) {
      try {
        await raw.send({ compression, messages: [{ topic: broker.prefix + topic, partition: 0, key: Buffer.from('k'), value: Buffer.from(compression.repeat(100)) }] });
        sent.push(compression);
      } catch (error) {
        // Some algorithms need a package that is not installed here.
        expect(String(error)).toMatch(/compression|package|install/i);
      }
    }
    await raw.close();
    expect(sent.length).toBeGreaterThanOrEqual(2);
    expect((await read()).map(textOf)).toEqual(sent.map((name) => name.repeat(100)));
  });

  describe('reading along', () => {
    test.each([
      ['from the end', undefined, ['2']],
      ['from the start', 'start' as const, ['0', '1', '2']],
      ['from given offsets', new Map([[0, 1]]), ['1', '2']],
    ])('%s', async (_, from, expected) => {
      await send(record(topic, '0', { partition: 0 }), record(topic, '1', { partition: 0 }));
      const records: LogRecord[] = [];
      const tail = await log.tail({ topic, ...(from === undefined ? {} : { from }), onRecord: (each) => void records.push(each) });
      await send(record(topic, '2', { partition: 0 }));
      await until('it has come', () => records.some((each) => textOf(each) === '2'));
      expect(records.map(textOf)).toEqual(expected);
      await tail.stop();
      await send(record(topic, '3', { partition: 0 }));
      await sleep(300);
      expect(records).toHaveLength(expected.length);
    });
  });
});

function rawKafkajs(broker: TestBroker): Kafka {
  return new Kafka({ clientId: 'raw', brokers: [...broker.brokers], logLevel: logLevel.NOTHING });
}

/** As retention would. */
async function deleteBefore(broker: TestBroker, topic: string, partition: number, offset: number): Promise<void> {
  const admin = new Admin({ clientId: 'retention', bootstrapBrokers: [...broker.brokers] });
  await admin.deleteRecords({ topics: [{ name: broker.prefix + topic, partitions: [{ partition, offset: BigInt(offset) }] }] });
  await admin.close();
}
