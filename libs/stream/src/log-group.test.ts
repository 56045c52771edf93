import { setTimeout as sleep } from 'node:timers/promises';
import { aRecord, CLIENTS, LogBench, PARTITIONS, textOf } from '@tributary/testing/log-bench';
import { until } from '@tributary/testing/until';
import type { ConsumeOptions } from './log.js';
import type { LogRecord } from './stage.js';

jest.setTimeout(90_000);

describe.each(CLIENTS)('a group of readers through %s', (client) => {
  let bench: LogBench;
  beforeEach(async () => {
    bench = await LogBench.open(client);
  });
  afterEach(() => bench.close());

  test('reads from where the assignment was answered, whatever the broker remembers; what was left out is not read', async () => {
    await bench.send(...[0, 1, 2, 3].flatMap((partition) => [0, 1, 2, 3].map((index) => aRecord(`${partition}:${index}`, { partition }))));
    const first = await bench.join();
    await until('all read', () => first.records.length === 16);
    await first.consumer.commit(new Map([0, 1, 2, 3].map((partition) => [partition, 4])));
    await first.consumer.stop();
    const second = await bench.join({ onAssigned: async () => new Map([[0, 2], [1, 0]]) });
    await until('what was asked for', () => second.records.length >= 6);
    await sleep(500);
    expect(second.records.map(textOf).sort()).toEqual(['0:2', '0:3', '1:0', '1:1', '1:2', '1:3']);
    expect(second.fatal).toEqual([]);
  });

  test('gets nothing before the assignment has been answered', async () => {
    await bench.send(aRecord('x', { partition: 0 }));
    let isAnswered = false;
    const early: boolean[] = [];
    const member = await bench.join({
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
    await bench.send(...Array.from({ length: 50 }, (_, index) => aRecord(String(index), { partition: 0 })));
    const member = await bench.join();
    await until('all read', () => member.records.length === 50);
    member.consumer.seek(0, 20);
    await bench.send(aRecord('50', { partition: 0 }));
    await until('read again', () => member.records.length >= 81);
    expect(member.records.slice(50).map(({ offset }) => offset)).toEqual(Array.from({ length: 31 }, (_, index) => 20 + index));
  });

  test('reads no further while what it read has not been taken', async () => {
    let resume = () => undefined as void;
    const records: LogRecord[] = [];
    await bench.join({
      onRecords: (_, batch) => {
        records.push(...batch);
        return new Promise((resolve) => (resume = resolve));
      },
    });
    await bench.send(aRecord('0', { partition: 0 }));
    await until('the first has come', () => records.length === 1);
    await bench.send(...[1, 2, 3].map((index) => aRecord(String(index), { partition: 0 })));
    await sleep(1_000);
    expect(records).toHaveLength(1);
    resume();
    await until('the rest has come', () => records.length === 4);
    resume();
  });

  test('stays a member while it is busy for longer than a session, and says that it lives', async () => {
    let resume = () => undefined as void;
    const member = await bench.join({ onRecords: () => new Promise((resolve) => (resume = resolve)) });
    await bench.send(aRecord('0', { partition: 0 }));
    await sleep(10_000);
    expect(member.assigned).toHaveLength(1);
    expect(Date.now() - member.consumer.lastTurnMs()).toBeLessThan(5_000);
    resume();
  });

  test('tells the broker how far it is, and is told', async () => {
    const member = await bench.join();
    await member.consumer.commit(new Map([[0, 7], [3, 1]]));
    expect(await bench.log.committed('readers', bench.topic)).toEqual(new Map([[0, 7], [3, 1]]));
    expect(await bench.log.committed('nobody', bench.topic)).toEqual(new Map());
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
        await bench.send(...[0, 1, 2, 3].map((partition) => aRecord(String(sent), { partition })));
        sent++;
        await sleep(20);
      }
    })();
    const first = await bench.join(member('first'));
    await until('the first owns all', () => owner.size === PARTITIONS);
    const second = await bench.join(member('second'), await bench.openLog());
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
    const producer = bench.rawKafkajs().producer({ transactionalId: bench.nameOf('tx'), idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    const member = await bench.join();
    for (const [index, end] of (['commit', 'abort', 'commit', 'abort', 'abort', 'commit'] as const).entries()) {
      const transaction = await producer.transaction();
      await transaction.send({ topic: bench.nameOf(bench.topic), messages: [{ partition: 0, value: `${end} ${index}` }] });
      await transaction[end]();
      await sleep(index % 2 === 0 ? 300 : 0);
    }
    await producer.disconnect();
    await bench.send(aRecord('plain', { partition: 0 }));
    await until('the last has come', () => member.records.some((each) => textOf(each) === 'plain'), 20_000);
    expect(member.records.map(textOf)).toEqual(['commit 0', 'commit 2', 'commit 5', 'plain']);
    expect(member.fatal).toEqual([]);
  });

  test('reports that the log has not what it is told to read, instead of reading something else', async () => {
    await bench.send(...[0, 1, 2, 3].map((index) => aRecord(String(index), { partition: 0 })));
    await bench.deleteBefore(0, 3);
    const member = await bench.join();
    await until('it is fatal', () => member.fatal.length > 0, 30_000);
    expect(member.fatal[0]?.message).toContain('records were lost');
    expect(member.records).toEqual([]);
  });

  test('reports an assignment that cannot be answered', async () => {
    const member = await bench.join({ onAssigned: async () => Promise.reject(new Error('the database says no')) });
    await until('it is fatal', () => member.fatal.length > 0);
    expect(member.fatal[0]?.message).toBe('the database says no');
  });
});
