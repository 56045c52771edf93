import type { Pool } from '@tributary/postgres/pool';
import { hashKey } from './secrets.js';

/** Whose key it is. `source` is set for write keys. */
export interface KeyOwner {
  readonly workspace: string;
  readonly kind: 'write' | 'admin';
  readonly source: string | null;
  /** A server-side source may say things about identified people that a browser may not. */
  readonly trusted: boolean;
}

const CACHED_MS = 5_000;
const CACHED_MAX = 10_000;

/**
 * Looks keys up by their hash in the view `ingestion.keys`. Answers, also negative ones, are kept for 5 s, so a
 * revoked key works that much longer at most.
 */
export class KeyDirectory {
  readonly #cache = new Map<string, { owner: KeyOwner | null; untilMs: number }>();

  constructor(private readonly pool: Pool) {}

  async find(key: string, kind: KeyOwner['kind']): Promise<KeyOwner | null> {
    const now = Date.now();
    const hash = hashKey(key);
    const id = `${kind}:${hash.toString('base64')}`;
    const cached = this.#cache.get(id);
    if (cached !== undefined && cached.untilMs > now) return cached.owner;
    const { rows } = await this.pool.query<KeyOwner>({
      name: 'find-key',
      text: 'select workspace, kind, source, trusted from ingestion.keys where key_hash = $1 and kind = $2',
      values: [hash, kind],
    });
    const owner = rows[0] ?? null;
    if (this.#cache.size >= CACHED_MAX) this.#cache.clear();
    this.#cache.set(id, { owner, untilMs: now + CACHED_MS });
    return owner;
  }
}
