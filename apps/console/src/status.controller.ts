import { Controller, Get } from '@nestjs/common';
import { ConsoleConfig } from './console.config.js';
import { addressOf, SERVICES, type ServiceName } from './service-directory.js';

export interface StatusAnswer {
  /** In flow order. `silent`: nobody answers there within 1.5 s. */
  readonly services: readonly { readonly name: ServiceName; readonly state: 'ready' | 'not_ready' | 'silent' }[];
}

const PROBE_MS_MAX = 1_500;
const REMEMBERED_MS = 1_000;

/** Whether the services behind the console can do their work. */
@Controller('api/status')
export class StatusController {
  #answer: Promise<StatusAnswer> | null = null;
  #askedAtMs = 0;

  constructor(private readonly config: ConsoleConfig) {}

  /** Asked at most once a second, however many pages are open. */
  @Get()
  status(): Promise<StatusAnswer> {
    const nowMs = Date.now();
    if (this.#answer === null || nowMs - this.#askedAtMs >= REMEMBERED_MS) {
      this.#askedAtMs = nowMs;
      this.#answer = this.#ask();
    }
    return this.#answer;
  }

  async #ask(): Promise<StatusAnswer> {
    const services = await Promise.all(SERVICES.map(async (name) => ({ name, state: await this.#probe(name) })));
    return { services };
  }

  async #probe(name: ServiceName): Promise<'ready' | 'not_ready' | 'silent'> {
    try {
      const answer = await fetch(`${addressOf(name, this.config)}/health/ready`, { signal: AbortSignal.timeout(PROBE_MS_MAX), redirect: 'error' });
      await answer.body?.cancel();
      return answer.ok ? 'ready' : 'not_ready';
    } catch {
      return 'silent';
    }
  }
}
