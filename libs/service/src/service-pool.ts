import { createPool, type Pool } from '@tributary/postgres/pool';

/** The service's connections, acting as its role. A class, so that Nest can inject it. */
export class ServicePool {
  readonly pool: Pool;
  /** For look-ups by batches of keys, as a stage makes them. */
  readonly keyed: Pool;

  constructor(options: { readonly url: string; readonly service: string; readonly role?: string; readonly max: number }) {
    const common = { url: options.url, role: options.role ?? `tributary_${options.service}`, max: options.max };
    this.pool = createPool({ ...common, name: options.service });
    this.keyed = createPool({ ...common, name: `${options.service}:keyed`, keyed: true });
  }

  async close(): Promise<void> {
    await Promise.all([this.pool.end(), this.keyed.end()]);
  }
}
