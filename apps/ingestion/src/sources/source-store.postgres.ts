import type { Pool } from '@tributary/postgres/pool';

/** A way in: events of one writer, with a write key of its own. */
export interface Source {
  readonly workspace: string;
  readonly key: string;
  /** `http`, `kafka` or `webhook:<provider>`. */
  readonly kind: string;
  /** Whether it may say things about identified people that a browser may not. */
  readonly trusted: boolean;
  readonly hasSecret: boolean;
  readonly createdMs: number;
}

export interface NewSource extends Omit<Source, 'hasSecret'> {
  readonly sealedSecret: Buffer | null;
  readonly writeKeyHash: Buffer;
}

export interface NewWorkspace {
  readonly workspace: string;
  readonly name: string;
  readonly timezone: string;
  readonly idSecret: Buffer;
  readonly adminKeyHash: Buffer;
  readonly createdMs: number;
  /** Its first source, with its first write key. */
  readonly source: NewSource;
}

/** Workspaces, sources and the hashes of their keys. */
export class SourceStore {
  constructor(private readonly pool: Pool) {}

  /** Everything or nothing, in one statement. */
  async addWorkspace({ workspace, name, timezone, idSecret, adminKeyHash, createdMs, source }: NewWorkspace): Promise<void> {
    await this.pool.query(
      `with w as (insert into ingestion.workspaces (workspace, name, timezone, id_secret, created_ms) values ($1, $2, $3, $4, $5)),
         s as (insert into ingestion.sources (workspace, key, kind, trusted, created_ms) values ($1, $6, $7, $8, $5))
       insert into ingestion.key_hashes (key_hash, kind, workspace, source, created_ms) values ($9, 'admin', $1, null, $5), ($10, 'write', $1, $6, $5)`,
      [workspace, name, timezone, idSecret, createdMs, source.key, source.kind, source.trusted, adminKeyHash, source.writeKeyHash],
    );
  }

  /** False where the workspace has a source with this key. */
  async add({ workspace, key, kind, trusted, sealedSecret, writeKeyHash, createdMs }: NewSource): Promise<boolean> {
    const { rowCount } = await this.pool.query(
      `with s as (
         insert into ingestion.sources (workspace, key, kind, trusted, sealed_secret, created_ms) values ($1, $2, $3, $4, $5, $6)
         on conflict do nothing returning workspace, key)
       insert into ingestion.key_hashes (key_hash, kind, workspace, source, created_ms) select $7, 'write', workspace, key, $6 from s`,
      [workspace, key, kind, trusted, sealedSecret, createdMs, writeKeyHash],
    );
    return rowCount === 1;
  }

  async find(workspace: string, key: string): Promise<Source | null> {
    const { rows } = await this.pool.query<Source>(`${SOURCES} where workspace = $1 and key = $2`, [workspace, key]);
    return rows[0] ?? null;
  }

  /** In the order of their keys. @param after the last key of the page before */
  async list(workspace: string, after: string, limit: number): Promise<Source[]> {
    const { rows } = await this.pool.query<Source>(`${SOURCES} where workspace = $1 and key > $2 order by key limit $3`, [workspace, after, limit]);
    return rows;
  }
}

const SOURCES = `
  select workspace, key, kind, trusted, sealed_secret is not null as "hasSecret", created_ms as "createdMs" from ingestion.sources`;
