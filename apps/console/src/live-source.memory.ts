import type { LogRecord } from '@tributary/stream/stage';
import type { LiveSource } from './live-source.js';

/** A live source in this process, for tests and for looking at the console without a broker. */
export class MemoryLiveSource implements LiveSource {
  readonly #tails = new Set<{ readonly topic: string; onRecord(record: LogRecord): void }>();
  #offset = 0;

  /** How many read along, e.g. to see that nobody does once all pages are closed. */
  get tails(): number {
    return this.#tails.size;
  }

  publish(topic: string, value: Buffer, key: Buffer | null = null): void {
    const record: LogRecord = { topic, partition: 0, offset: this.#offset++, timestampMs: Date.now(), key, value, headers: {} };
    for (const tail of this.#tails) if (tail.topic === topic) tail.onRecord(record);
  }

  async tail(options: { readonly topic: string; onRecord(record: LogRecord): void }): Promise<{ stop(): Promise<void> }> {
    const tail = { ...options };
    this.#tails.add(tail);
    return { stop: async () => void this.#tails.delete(tail) };
  }

  async close(): Promise<void> {
    this.#tails.clear();
  }
}
