import { log } from '@tributary/service/log';
import type { ServicePool } from '@tributary/service/service-pool';

const DAY_MS = 86_400_000;
/** A new partition waits for the writers of the moment; it must not make those behind it wait for long. */
const LOCK_WAIT = '2s';

/**
 * Keeps the history's partitions ahead of time: this month's and the next two, at the start and daily. Where it fails,
 * there is another day for it; an event of a month without a partition goes to the default one. The module calls the hooks.
 */
export class HistoryMonths {
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly pool: ServicePool) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.make();
    this.#timer = setInterval(() => void this.make(), DAY_MS);
    this.#timer.unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  async make(): Promise<void> {
    const client = await this.pool.pool.connect();
    try {
      await client.query('begin');
      await client.query(`set local lock_timeout = '${LOCK_WAIT}'`);
      await client.query(`select scoring.make_months(now(), now() + interval '2 months')`);
      await client.query('commit');
      client.release();
    } catch (error) {
      client.release(true);
      log.warn({ err: error }, 'the coming months of the event history could not be made; tried again tomorrow');
    }
  }
}
