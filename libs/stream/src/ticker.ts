import { inboundEvents } from '@tributary/contracts/topics/inbound-events';
import type { Clock } from './clock.js';
import type { LogProducer } from './log.js';
import type { LogRecord, OutRecord } from './stage.js';

/** A round that has not come back after this long is repeated: its append may have failed. */
const ROUND_MS = 100;

/**
 * Lets time enter through the log. Somebody waits until everything appended up to an instant has been applied; when no
 * traffic proves that, a tick in every inlet partition does, once it has travelled the pipe like any event. Rounds are
 * coalesced: one serves all who wait for an instant before it.
 */
export class Ticker {
  readonly #waiting = new Map<string, number>();
  #sentMs = 0;
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(private readonly producer: () => Promise<LogProducer>, private readonly inletPartitions: number, private readonly clock: Clock) {}

  /**
   * @param who one wish per name; the newest counts
   * @param instantMs epoch ms that the watermark must pass, or null when nothing is waited for
   */
  need(who: string, instantMs: number | null): void {
    if (instantMs === null) this.#waiting.delete(who);
    else this.#waiting.set(who, instantMs);
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  #schedule(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#stopped || this.#waiting.size === 0) return;
    const instantMs = Math.min(...this.#waiting.values());
    const now = this.clock.nowMs();
    // A tick must be appended after the instant. One sent after it is under way; wait for its round.
    const atMs = this.#sentMs > instantMs ? this.#sentMs + ROUND_MS : instantMs + 1;
    // Node's timers fire at once past 2^31 ms, and a far one is set anew by then anyway.
    this.#cancel = this.clock.after(Math.min(Math.max(atMs - now, 0), 60_000), () => this.#fire());
  }

  #fire(): void {
    const due = [...this.#waiting.values()].some((instantMs) => instantMs < this.clock.nowMs());
    if (due) {
      this.#sentMs = this.clock.nowMs();
      const ticks = Array.from({ length: this.inletPartitions }, (_, partition) => tick(partition));
      // A failed send is repeated by the next round; the line that cannot send anything ends its process itself.
      void this.producer().then((producer) => producer.send(ticks)).catch(() => undefined);
    }
    this.#schedule();
  }
}

function tick(partition: number): OutRecord {
  return { topic: inboundEvents.name, partition, key: null, value: null, headers: { control: 'tick' } };
}

export function isTick(record: LogRecord): boolean {
  return record.value === null && record.headers['control'] === 'tick';
}
