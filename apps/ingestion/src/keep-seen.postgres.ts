import type { Pool } from '@tributary/postgres/pool';
import { log } from '@tributary/service/log';

const EVERY_MS = 3_600_000;
const LOCK_TIMEOUT_MS = 2_000;

/** Keeps the memory of messages: makes its next period ahead of time, drops what is older than `days`. Hourly. */
export class SeenKeeper {
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly pool: Pool, private readonly days: number) {}

  async start(): Promise<void> {
    await this.keep();
    this.#timer = setInterval(() => void this.keep().catch((error: unknown) => log.warn({ err: error }, 'the memory of messages was not cleaned; the next hour tries again')), EVERY_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Waits for running batches 2 s at most: those behind it wait too. */
  async keep(): Promise<void> {
    const client = await this.pool.connect();
    try {
      await client.query('begin');
      await client.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`);
      await client.query('select ingestion.keep_seen($1)', [this.days]);
      await client.query('commit');
    } catch (error) {
      await client.query('rollback').catch(() => undefined);
      throw error;
    } finally {
      client.release();
    }
  }
}
