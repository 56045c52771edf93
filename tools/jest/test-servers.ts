// Jest loads setup and teardown separately, but in one process: what setup started is handed over here.
import type { EmbeddedKafka } from '../embedded/kafka.ts';
import type { EmbeddedPostgres } from '../embedded/postgres.ts';

interface TestServers {
  dir?: string;
  kafka?: EmbeddedKafka;
  postgres?: EmbeddedPostgres;
}

const KEY = Symbol.for('tributary.test-servers');
const holder = globalThis as { [KEY]?: TestServers };

export const testServers: TestServers = (holder[KEY] ??= {});
