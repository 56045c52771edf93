import type { Pool } from '@tributary/postgres/pool';
import { hashKey } from '@tributary/service/secrets';
import { RecentMap } from './recent-map.js';

/** Who speaks, and for which workspace. */
export interface Sender {
  readonly workspace: string;
  /** Makes profile ids. */
  readonly idSecret: Buffer;
  /** A server-side source may say things about identified people that a browser may not. */
  readonly trusted: boolean;
}

/** How a record names its sender. */
export type SenderRef =
  | { readonly by: 'key'; readonly key: string }
  /** `<workspace>/<source key>`. */
  | { readonly by: 'source'; readonly id: string }
  | { readonly by: 'workspace'; readonly workspace: string };

const CACHED_MS = 5_000;
const CACHED_MAX = 5_000;

/** Senders by key, source or workspace. Answers, also negative ones, are kept for 5 s, so a revoked key works that much longer at most. */
export class SenderDirectory {
  readonly #cache = new RecentMap<string, { readonly sender: Sender | null; readonly untilMs: number }>(CACHED_MAX);

  constructor(private readonly pool: Pool) {}

  /** The senders of many records, by `senderKey`: usually without a query, otherwise in one. */
  async find(refs: ReadonlyMap<string, SenderRef>, nowMs: number = Date.now()): Promise<ReadonlyMap<string, Sender | null>> {
    const found = new Map<string, Sender | null>();
    const missing: [string, SenderRef][] = [];
    for (const [key, ref] of refs) {
      const cached = this.#cache.get(key);
      if (cached !== undefined && cached.untilMs > nowMs) found.set(key, cached.sender);
      else missing.push([key, ref]);
    }
    if (missing.length === 0) return found;
    const read = await this.#read(missing.map(([, ref]) => ref));
    missing.forEach(([key], index) => {
      const sender = read.get(index) ?? null;
      found.set(key, sender);
      this.#cache.set(key, { sender, untilMs: nowMs + CACHED_MS });
    });
    return found;
  }

  async #read(refs: readonly SenderRef[]): Promise<Map<number, Sender>> {
    const { rows } = await this.pool.query<Sender & { n: number }>({ name: 'find-senders', text: FIND, values: [
      refs.map((ref) => (ref.by === 'key' ? hashKey(ref.key) : null)),
      refs.map((ref) => (ref.by === 'source' ? ref.id : null)),
      refs.map((ref) => (ref.by === 'workspace' ? ref.workspace : null)),
    ] });
    return new Map(rows.map(({ n, ...sender }) => [n - 1, sender]));
  }
}

export function senderKey(ref: SenderRef): string {
  if (ref.by === 'key') return `key:${ref.key}`;
  return ref.by === 'source' ? `source:${ref.id}` : `workspace:${ref.workspace}`;
}

const FIND = `
  select asked.n::int, w.workspace, w.id_secret as "idSecret", coalesce(k.trusted, s.trusted, true) as trusted
  from unnest($1::bytea[], $2::text[], $3::text[]) with ordinality as asked (key_hash, source, workspace, n)
  left join ingestion.keys k on k.key_hash = asked.key_hash and k.kind = 'write'
  left join ingestion.sources s on s.workspace = split_part(asked.source, '/', 1) and s.key = split_part(asked.source, '/', 2)
  join ingestion.workspaces w on w.workspace = coalesce(k.workspace, s.workspace, asked.workspace)`;
