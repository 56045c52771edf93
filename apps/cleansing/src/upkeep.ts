import { log } from '@tributary/service/log';
import type { QualityCounts } from './quality-counts.postgres.js';
import type { Quarantine } from './quarantine.postgres.js';

const EVERY_MS = 15 * 60_000;

/** Keeps the tables small: counts folded together, the quarantine's index no longer than its topic. */
export class Upkeep {
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(private readonly counts: QualityCounts, private readonly quarantine: Quarantine) {}

  start(): void {
    this.#timer = setInterval(() => {
      this.#running ??= this.run()
        .catch((error: unknown) => log.warn({ err: error }, 'the upkeep of cleansing failed and will be tried again'))
        .finally(() => (this.#running = undefined));
    }, EVERY_MS).unref();
  }

  async run(): Promise<void> {
    await this.counts.compact();
    await this.quarantine.forgetOld();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }
}
