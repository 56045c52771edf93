import type { SendReason } from '@tributary/domain/delivery/decide-send';
import { Counter, Histogram, register, type Registry } from 'prom-client';

/** What `/metrics` says of sending. */
export class DeliveryMetrics {
  readonly #decisions: Counter<'reason'>;
  readonly #retries: Counter;
  readonly #handOver: Histogram;
  readonly #tracked: Counter<'kind' | 'machine'>;

  constructor(registry: Registry = register) {
    const registers = [registry];
    this.#decisions = new Counter({ name: 'tributary_delivery_decisions_total', help: 'Decisions to send or not, by reason', labelNames: ['reason'], registers });
    this.#retries = new Counter({ name: 'tributary_delivery_retries_total', help: 'Mails that the server put off, or that could not reach it', registers });
    this.#handOver = new Histogram({ name: 'tributary_delivery_hand_over_seconds', help: 'From the first byte to the answer of the mail server', buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 30], registers });
    this.#tracked = new Counter({ name: 'tributary_delivery_tracked_total', help: 'Opens, clicks and unsubscribes', labelNames: ['kind', 'machine'], registers });
  }

  decided(reason: SendReason): void {
    this.#decisions.inc({ reason });
  }

  retried(): void {
    this.#retries.inc();
  }

  handOverMs(durationMs: number): void {
    this.#handOver.observe(durationMs / 1_000);
  }

  tracked(kind: 'open' | 'click' | 'unsubscribe', isMachine: boolean): void {
    this.#tracked.inc({ kind, machine: String(isMachine) });
  }
}
