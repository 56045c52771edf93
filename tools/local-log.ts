// The broker and the secrets of the local installation, for commands that work on topics.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Log, openLog } from '@tributary/stream/log';
import { localDir } from './local-state.ts';
import { portsFromEnvironment } from './ports.ts';

/** KAFKA_BROKERS and TOPIC_PREFIX where they are set, else what `npm start` runs. */
export function openLocalLog(): Promise<Log> {
  const brokers = process.env.KAFKA_BROKERS?.split(',') ?? [`127.0.0.1:${portsFromEnvironment(process.env).KAFKA_PORT}`];
  return openLog({ brokers, clientId: 'tributary-tools', client: process.env.KAFKA_CLIENT === 'platformatic' ? 'platformatic' : 'kafkajs', prefix: process.env.TOPIC_PREFIX ?? '' });
}

/** TRIBUTARY_SECRET where it is set, else that of the local installation. */
export function localSecret(): string {
  if (process.env.TRIBUTARY_SECRET) return process.env.TRIBUTARY_SECRET;
  const { tributarySecret } = readLocal('secrets.json') as { tributarySecret: string };
  return tributarySecret;
}

/** Keys of the first workspace. */
export function localCredentials(): { readonly workspace: string } {
  return readLocal('credentials.json') as { workspace: string };
}

function readLocal(name: string): unknown {
  const file = name === 'credentials.json' && process.env.TRIBUTARY_CREDENTIALS ? process.env.TRIBUTARY_CREDENTIALS : join(localDir, name);
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw new Error(`${file} cannot be read: run npm start first, or set the variables that replace it.`);
  }
}
