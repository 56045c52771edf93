// One real Kafka and one real PostgreSQL for all unit tests of a run, on free ports and in a directory of their own.
// KAFKA_BROKERS and DATABASE_URL use running ones; TEST_NO_SERVERS=1 leaves them out (libs/domain needs none).
import { join } from 'node:path';
import { startKafka } from '../embedded/kafka.ts';
import { startPostgres } from '../embedded/postgres.ts';
import { findFreePorts } from '../ports.ts';
import { clearAbandonedTestDirs, clearOwnTestDirs, makeTestDir } from '../test-dir.ts';
import { THROWAWAY_POSTGRES } from '../test-stack.ts';
import { testServers } from './test-servers.ts';

export default async function startServers(): Promise<void> {
  await clearAbandonedTestDirs();
  if (process.env.TEST_NO_SERVERS === '1') return;
  const dir = makeTestDir();
  stopWhenInterrupted();
  const [postgresPort, kafkaPort, controllerPort] = await findFreePorts(3);
  const pidFile = (name: string) => join(dir, 'pids', `${name}.pid`);
  const results = await Promise.allSettled([
    process.env.DATABASE_URL
      ? undefined
      : startPostgres({ dir: join(dir, 'postgres'), port: postgresPort!, pidFile: pidFile('postgres'), settings: THROWAWAY_POSTGRES })
          .then((postgres) => (testServers.postgres = postgres)),
    process.env.KAFKA_BROKERS
      ? undefined
      : startKafka({ dir: join(dir, 'kafka'), port: kafkaPort!, controllerPort: controllerPort!, pidFile: pidFile('kafka') })
          .then((kafka) => (testServers.kafka = kafka)),
  ]);
  const failure = results.find((result) => result.status === 'rejected');
  if (failure) {
    await clearOwnTestDirs();
    throw failure.reason;
  }
  testServers.dir = dir;
  // Workers inherit the environment.
  process.env.TEST_DATABASE_URL = process.env.DATABASE_URL ?? testServers.postgres!.url;
  process.env.TEST_KAFKA_BROKERS = process.env.KAFKA_BROKERS ?? testServers.kafka!.brokers;
}

/** Jest ends on Ctrl-C without its teardown, and the servers, in process groups of their own, would stay. */
function stopWhenInterrupted(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => void clearOwnTestDirs().finally(() => process.exit(130)));
  }
}
