// One log through one client, on topics of its own, for the tests that every client has to pass.
import { Admin } from '@platformatic/kafka';
import { type ConsumeOptions, type Log, type LogConfig, type LogConsumer, openLog } from '@tributary/stream/log';
import type { LogRecord, OutRecord } from '@tributary/stream/stage';
import { Kafka, logLevel } from 'kafkajs';
import { createTestBroker } from './test-broker.js';
import { until } from './until.js';

export const PARTITIONS = 4;

export const CLIENTS: readonly LogConfig['client'][] = ['kafkajs', 'platformatic'];

/** A member of the group `readers`, and what it was told. */
export interface Member {
  readonly consumer: LogConsumer;
  readonly assigned: (readonly number[])[];
  readonly records: LogRecord[];
  readonly fatal: Error[];
}

let topics = 0;

export class LogBench {
  readonly #broker = createTestBroker();
  readonly #logs: Log[] = [];
  log!: Log;
  /** The topic that the test is about; made empty. */
  topic = '';

  private constructor(private readonly client: LogConfig['client']) {}

  static async open(client: LogConfig['client']): Promise<LogBench> {
    const bench = new LogBench(client);
    bench.log = await bench.openLog();
    await bench.newTopic();
    return bench;
  }

  async close(): Promise<void> {
    await Promise.all(this.#logs.map((log) => log.close()));
  }

  /** Another client, as another process would have. */
  async openLog(client = this.client): Promise<Log> {
    const opened = await openLog({ brokers: this.#broker.brokers, clientId: 'contract', client, prefix: this.#broker.prefix });
    this.#logs.push(opened);
    return opened;
  }

  async newTopic(config: { [key: string]: string } = {}): Promise<void> {
    this.topic = `topic-${topics++}`;
    await this.create(this.topic, config);
  }

  create(name: string, config: { [key: string]: string }): Promise<void> {
    return this.log.ensureTopics([{ name, partitions: PARTITIONS, replicationFactor: 1, config }]);
  }

  /** To the topic that the test is about. */
  async send(...records: Omit<OutRecord, 'topic'>[]): Promise<void> {
    await (await this.log.producer()).send(records.map((record) => ({ ...record, topic: this.topic })));
  }

  /** Everything in the topic now, in order of partition and offset. */
  async read(): Promise<LogRecord[]> {
    const { log, topic } = this;
    const ends = await log.offsets(topic);
    const expected = [...ends.values()].reduce((sum, { low, high }) => sum + high - low, 0);
    const records: LogRecord[] = [];
    const tail = await log.tail({ topic, from: 'start', onRecord: (each) => void records.push(each) });
    await until(`${expected} records read`, () => records.length >= expected);
    await tail.stop();
    return records.sort((left, right) => left.partition - right.partition || left.offset - right.offset);
  }

  async join(overrides: Partial<ConsumeOptions> = {}, from: Log = this.log): Promise<Member> {
    const member = { assigned: [] as (readonly number[])[], records: [] as LogRecord[], fatal: [] as Error[] };
    const consumer = await from.consume({
      group: 'readers', topic: this.topic,
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

  get brokers(): string[] {
    return [...this.#broker.brokers];
  }

  /** What the broker calls a topic of this bench. */
  nameOf(topic: string): string {
    return this.#broker.topic(topic);
  }

  /** A client as somebody else has it. */
  rawKafkajs(): Kafka {
    return new Kafka({ clientId: 'raw', brokers: this.brokers, logLevel: logLevel.NOTHING });
  }

  /** As retention would. */
  async deleteBefore(partition: number, offset: number): Promise<void> {
    const admin = new Admin({ clientId: 'retention', bootstrapBrokers: this.brokers });
    await admin.deleteRecords({ topics: [{ name: this.nameOf(this.topic), partitions: [{ partition, offset: BigInt(offset) }] }] });
    await admin.close();
  }
}

export const textOf = ({ value }: LogRecord): string | null => value?.toString() ?? null;

/** A record of the topic that the test is about. */
export function aRecord(value: string | null, more: Partial<Omit<OutRecord, 'topic'>> = {}): Omit<OutRecord, 'topic'> {
  return { key: null, value: value === null ? null : Buffer.from(value), ...more };
}
