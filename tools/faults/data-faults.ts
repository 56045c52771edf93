// Records that nobody can read, in the topic that each stage reads.
import { setTimeout as sleep } from 'node:timers/promises';
import { flow } from '@tributary/contracts/topics/flow';
import { Kafka, logLevel } from 'kafkajs';
import type { Fault } from './fault.ts';

let marks = 0;

const poison: Fault = {
  name: 'poison',
  // In the compact layout a process reads only what the first of its chained stages does.
  targets: ({ processes }) => (processes.length > 2 ? flow.map(({ name }) => name) : ['ingestion', 'scoring', 'delivery']),
  async inject({ site, random, poisoned }, target) {
    const topic = flow.find(({ name }) => name === target)?.reads.name as string;
    const mark = `poison-${process.pid}-${marks++}`;
    const producer = new Kafka({ clientId: 'faults-poison', brokers: site.brokers.split(','), logLevel: logLevel.NOTHING }).producer();
    await producer.connect();
    try {
      // The first bytes of a frame are a length: some say one that is not there.
      const value = random() < 0.5 ? `{"broken": "${mark}"` : Buffer.concat([Buffer.from([0, 0, 0, 9]), Buffer.from(mark)]);
      await producer.send({ topic, acks: -1, messages: [{ partition: Math.floor(random() * 4), key: mark, value, headers: { 'write-key': site.stack.credentials?.writeKey as string } }] });
    } finally {
      await producer.disconnect();
    }
    poisoned.push({ stage: target, mark });
    await sleep(500);
    return `a record that nobody can read in ${topic}`;
  },
};

export const dataFaults: readonly Fault[] = [poison];
