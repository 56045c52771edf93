// One real Kafka and one real PostgreSQL for all unit tests of a run, on free ports and in a directory of their own.
// KAFKA_BROKERS and DATABASE_URL use running ones; TEST_NO_SERVERS=1 leaves them out (libs/domain needs none).
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startKafka } from '../embedded/kafka.ts';
import { startPostgres } from '../embedded/postgres.ts';
import { findFreePorts } from '../ports.ts';
import { testServers } from './test-servers.ts';

// The data is thrown away after the run, so nothing has to reach the disk.
const THROWAWAY_SETTINGS = { shared_buffers: '128MB', fsync: 'off', full_page_writes: 'off' };

export default async function startServers(): Promise<void> {
  if (process.env.TEST_NO_SERVERS === '1') return;
  const dir = mkdtempSync(join(tmpdir(), 'tributary-test-'));
  testServers.dir = dir;
  const [postgresPort, kafkaPort, controllerPort] = await findFreePorts(3);
  const results = await Promise.allSettled([
    process.env.DATABASE_URL
      ? undefined
      : startPostgres({ dir: join(dir, 'postgres'), port: postgresPort!, settings: THROWAWAY_SETTINGS }).then((postgres) => (testServers.postgres = postgres)),
    process.env.KAFKA_BROKERS
      ? undefined
      : startKafka({ dir: join(dir, 'kafka'), port: kafkaPort!, controllerPort: controllerPort! }).then((kafka) => (testServers.kafka = kafka)),
  ]);
  const failure = results.find((result) => result.status === 'rejected');
  if (failure) {
    await Promise.all([testServers.postgres?.stop(), testServers.kafka?.stop()]);
    rmSync(dir, { recursive: true, force: true });
    throw failure.reason;
  }
  // Workers inherit the environment.
  process.env.TEST_DATABASE_URL = process.env.DATABASE_URL ?? testServers.postgres!.url;
  process.env.TEST_KAFKA_BROKERS = process.env.KAFKA_BROKERS ?? testServers.kafka!.brokers;
}
