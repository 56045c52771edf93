import { randomInt } from 'node:crypto';
import type { Pool } from '@tributary/postgres/pool';
import type { PoolClient } from 'pg';
import { log } from '@tributary/service/log';

/** First half of the lock's name; nothing else in the database uses it. */
const LEASE_LOCK = 724_319_006;

/**
 * Says that this process is alive, by a lock that PostgreSQL holds for as long as its session lives: the lock is gone
 * the moment the process is, and no clock is asked.
 */
export class OwnerLease {
  /** Names this process in the rows that it has in hand. */
  readonly owner = randomInt(1, 2 ** 31 - 1);
  #client: PoolClient | null = null;

  constructor(private readonly pool: Pool) {}

  /** Called again after the session was lost, it takes the lease anew. */
  async hold(): Promise<void> {
    if (this.#client !== null) return;
    const client = await this.pool.connect();
    client.on('error', (error) => {
      log.warn({ err: error }, 'the session that holds the lease was lost');
      if (this.#client === client) this.#client = null;
      client.release(true);
    });
    try {
      await client.query('select pg_advisory_lock($1, $2)', [LEASE_LOCK, this.owner]);
    } catch (error) {
      client.release(true);
      throw error;
    }
    this.#client = client;
  }

  /** Runs `work` if the process that this owner names is dead, and nobody else is doing so. */
  async ifDead(owner: number, work: () => Promise<void>): Promise<void> {
    const client = await this.pool.connect();
    try {
      const { rows } = await client.query<{ locked: boolean }>('select pg_try_advisory_lock($1, $2) as locked', [LEASE_LOCK, owner]);
      if (rows[0]?.locked !== true) return;
      try {
        await work();
      } finally {
        await client.query('select pg_advisory_unlock($1, $2)', [LEASE_LOCK, owner]);
      }
    } finally {
      client.release();
    }
  }

  release(): void {
    this.#client?.removeAllListeners('error');
    this.#client?.on('error', () => undefined);
    this.#client?.release(true);
    this.#client = null;
  }
}
