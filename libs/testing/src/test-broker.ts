// The Kafka broker that `npm test` started, with names of its own for each test file: one broker, no meetings.
import { randomBytes } from 'node:crypto';

export interface TestBroker {
  readonly brokers: readonly string[];
  /** Prefix of every topic and group of this test file; also fit for a configuration that takes a topic prefix. */
  readonly prefix: string;
  topic(name: string): string;
  group(name: string): string;
}

/** Nothing to clean up: topics go away with the broker, at the end of the run. */
export function createTestBroker(): TestBroker {
  const prefix = `test-${randomBytes(6).toString('hex')}.`;
  return { brokers: brokerAddresses(), prefix, topic: (name) => prefix + name, group: (name) => prefix + name };
}

function brokerAddresses(): string[] {
  const brokers = process.env.TEST_KAFKA_BROKERS;
  if (!brokers) throw new Error('No test broker: run the tests with npm test, or set TEST_KAFKA_BROKERS.');
  return brokers.split(',');
}
