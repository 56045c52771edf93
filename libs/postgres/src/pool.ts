import pg from 'pg';

// bigint columns hold epoch milliseconds, offsets and counts: all below 2^53.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

export type Pool = pg.Pool;

const STATEMENT_TIMEOUT_MS = 60_000;
const KEYED = ['enable_seqscan=off', 'enable_hashjoin=off', 'enable_mergejoin=off', 'plan_cache_mode=force_generic_plan'];
const CONNECT_TIMEOUT_MS = 10_000;

export interface PoolOptions {
  readonly url: string;
  /** The role that the session acts as: one per service, so that a service reaches its own schema only. */
  readonly role?: string;
  /** Shown in pg_stat_activity. */
  readonly name: string;
  /** Connections at most. */
  readonly max: number;
  /**
   * For statements over a batch of keys: they are planned once, by index look-ups. A plan made while tables were small
   * would scan them for ever after, and one made anew for every batch costs more than the batch.
   */
  readonly keyed?: boolean;
}

/** A bounded pool whose every session acts as the service's role. Broken idle connections are replaced, not thrown. */
export function createPool(options: PoolOptions): Pool {
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: options.name,
    max: options.max,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    keepAlive: true,
    options: [...(options.role === undefined ? [] : [`role=${options.role}`]), ...(options.keyed === true ? KEYED : [])].map((setting) => `-c ${setting}`).join(' '),
  });
  pool.on('error', () => undefined);
  // A session that breaks while it is in hand but asked nothing would end the process; its next statement tells.
  pool.on('connect', (client) => void client.on('error', () => undefined));
  return pool;
}
