import type { LogRecord } from '@tributary/stream/stage';
import type { LiveSource, LiveTail } from './live-source.js';

/** A live source in this process, for tests and for looking at the console without a broker. */
export class MemoryLiveSource implements LiveSource {
  readonly #records: LogRecord[] = [];
  readonly #tails = new Set<LiveTail>();

  /** How many read along, e.g. to see that nobody does once all pages are closed. */
  get tails(): number {
    return this.#tails.size;
  }

  publish(topic: string, value: Buffer, key: Buffer | null = null): void {
    const record: LogRecord = { topic, partition: 0, offset: this.#records.length, timestampMs: Date.now(), key, value, headers: {} };
    this.#records.push(record);
    for (const tail of this.#tails) if (tail.topic === topic) tail.onRecord(record);
  }

  async tail(tail: LiveTail): Promise<{ stop(): Promise<void> }> {
    const own = { ...tail };
    tail.onRecent(this.#records.filter(({ topic }) => topic === tail.topic).slice(-tail.recentMax));
    this.#tails.add(own);
    return { stop: async () => void this.#tails.delete(own) };
  }

  async close(): Promise<void> {
    this.#tails.clear();
  }
}
