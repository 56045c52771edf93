import type { Clock } from './clock.js';
import type { LogConsumer } from './log.js';

const COMMIT_EVERY_MS = 1_000;

/** Kafka's own offsets: for lag tools, and where stateless stages start. Told now and then, behind the work. */
export class BrokerOffsets {
  #next = new Map<number, number>();
  #toldMs = 0;

  constructor(private readonly consumer: () => LogConsumer | undefined, private readonly clock: Clock) {}

  passed(partition: number, next: number): void {
    this.#next.set(partition, next);
  }

  /** What was passed under an earlier assignment is no longer ours to tell. */
  forget(): void {
    this.#next.clear();
  }

  tellNowAndThen(): void {
    if (this.clock.nowMs() - this.#toldMs >= COMMIT_EVERY_MS) void this.tell();
  }

  async tell(): Promise<void> {
    if (this.#next.size === 0) return;
    const next = this.#next;
    this.#next = new Map();
    this.#toldMs = this.clock.nowMs();
    // One that a rebalance refuses is repeated by whoever owns the partition now.
    await this.consumer()?.commit(next).catch(() => undefined);
  }
}
