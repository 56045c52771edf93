import { createPool, type Pool } from '@tributary/postgres/pool';

/** The service's connections, acting as its role. A class, so that Nest can inject it. */
export class ServicePool {
  readonly pool: Pool;

  constructor(options: { readonly url: string; readonly service: string; readonly role?: string; readonly max: number }) {
    this.pool = createPool({ url: options.url, role: options.role ?? `tributary_${options.service}`, name: options.service, max: options.max });
  }

  async close(): Promise<void> {
    await this.pool.end();
  }
}
