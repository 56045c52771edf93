import { randomBytes } from 'node:crypto';
import { hashKey, newKey } from '@tributary/service/secrets';
import type { SourceStore } from './source-store.postgres.js';

/** The source of a workspace's first write key: its own servers. Browsers and apps get sources of their own, untrusted. */
export const DEFAULT_SOURCE = 'default';

export interface CreatedWorkspace {
  readonly workspace: string;
  readonly writeKey: string;
  readonly adminKey: string;
}

/** Makes a workspace with its keys, which are told once and kept as hashes only. */
export async function createWorkspace(store: SourceStore, { name, timezone }: { name: string; timezone: string }): Promise<CreatedWorkspace> {
  const workspace = `ws_${randomBytes(9).toString('hex')}`;
  const writeKey = newKey('wk');
  const adminKey = newKey('ak');
  const createdMs = Date.now();
  await store.addWorkspace({
    workspace, name, timezone, createdMs, idSecret: randomBytes(32), adminKeyHash: hashKey(adminKey),
    source: { workspace, key: DEFAULT_SOURCE, kind: 'http', trusted: true, sealedSecret: null, writeKeyHash: hashKey(writeKey), createdMs },
  });
  return { workspace, writeKey, adminKey };
}
