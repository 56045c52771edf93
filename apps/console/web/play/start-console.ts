import { readConfig } from '@tributary/service/config';
import { encodeFrame } from '@tributary/stream/frame';
import { ConsoleConfig } from '../../src/console.config.js';
import type { ForwardLimits } from '../../src/forward-request.js';
import { createConsole } from '../../src/console.module.js';
import { MemoryLiveSource } from '../../src/live-source.memory.js';
import { startUpstream, type Upstream } from './upstream.js';
import { ADMIN_KEY, playChange, playEntry, playEvent, WORKSPACE } from './world.js';

export interface PlayConsole {
  readonly url: string;
  readonly upstream: Upstream;
  readonly source: MemoryLiveSource;
  publishEvent(n: number): void;
  publishChange(n: number): void;
  close(): Promise<void>;
}

export const EMAIL = 'ada@shop.example';
export const PASSWORD = 'correct horse battery';

/** The real console on a free port (or a given one), in front of the invented shop. */
export async function startConsole(options: { port?: number; pagesDir?: string; limits?: ForwardLimits; env?: { [variable: string]: string | undefined } } = {}): Promise<PlayConsole> {
  const upstream = await startUpstream();
  const source = new MemoryLiveSource();
  const config = readConfig(ConsoleConfig, {
    KAFKA_BROKERS: 'unused:9092', TRIBUTARY_SECRET: 'a secret that is long enough for tests', CONSOLE_EMAIL: EMAIL, CONSOLE_PASSWORD: PASSWORD,
    CONSOLE_WORKSPACE: WORKSPACE, CONSOLE_ADMIN_KEY: ADMIN_KEY, ...upstream.env, ...options.env,
  });
  const { pagesDir, limits } = options;
  const app = await createConsole({ config, source, ...(pagesDir && { pagesDir }), ...(limits && { limits }) });
  await app.listen(options.port ?? 0, '127.0.0.1');
  return {
    url: await app.getUrl(),
    upstream,
    source,
    publishEvent: (n) => {
      const entry = playEntry(playEvent(n, Date.now()), n);
      source.publish('events.received', encodeFrame({ positions: new Map(), entries: [entry] }));
    },
    publishChange: (n) => source.publish('segments.changed', Buffer.from(JSON.stringify(playChange(n, Date.now() - 30)))),
    close: async () => {
      await app.close();
      await upstream.close();
    },
  };
}
