// Reads segments.changed as any consumer would, and takes latencies from the intended instant in the event's id.
import { build, type Histogram } from 'hdr-histogram-js';
import { Kafka, logLevel } from 'kafkajs';
import { intendedMsOf } from './workload.ts';

export class ChangeReader {
  readonly #kafka: Kafka;
  #stop: (() => Promise<void>) | undefined;
  latency: Histogram = newHistogram();
  exitError: Histogram = newHistogram();
  changes = 0;
  byTime = 0;
  /** From here on counts: what comes before is warm-up. */
  fromMs = 0;
  onChange: ((change: { readonly segment: string; readonly change: string; readonly cause: string }, readMs: number) => void) | undefined;

  constructor(brokers: string) {
    this.#kafka = new Kafka({ clientId: 'bench-reader', brokers: brokers.split(','), logLevel: logLevel.NOTHING });
  }

  async start(): Promise<void> {
    const consumer = this.#kafka.consumer({ groupId: `bench-${process.pid}-${Date.now()}`, maxWaitTimeInMs: 2_000 });
    await consumer.connect();
    await consumer.subscribe({ topics: ['segments.changed'], fromBeginning: false });
    const joined = new Promise<void>((resolve) => consumer.on(consumer.events.GROUP_JOIN, () => resolve()));
    await consumer.run({
      partitionsConsumedConcurrently: 16,
      eachBatch: async ({ batch }) => {
        const readMs = performance.timeOrigin + performance.now();
        for (const message of batch.messages) if (message.value !== null) this.#take(message.value, readMs);
      },
    });
    await joined;
    this.#stop = () => consumer.disconnect();
  }

  reset(fromMs: number): void {
    this.latency = newHistogram();
    this.exitError = newHistogram();
    this.changes = 0;
    this.byTime = 0;
    this.fromMs = fromMs;
  }

  #take(value: Buffer, readMs: number): void {
    const change = JSON.parse(value.toString()) as { segment: string; change: string; cause: string; effectiveAt: string; processedAt: string; reason: { event?: { messageId: string } } };
    this.changes++;
    this.onChange?.(change, readMs);
    if (change.cause === 'time') {
      this.byTime++;
      const effectiveMs = Date.parse(change.effectiveAt);
      if (effectiveMs >= this.fromMs) this.exitError.recordValue(Math.max(0, Math.round((Date.parse(change.processedAt) - effectiveMs) * 1_000)));
    }
    const intendedMs = change.reason.event === undefined ? null : intendedMsOf(change.reason.event.messageId);
    if (intendedMs !== null && intendedMs >= this.fromMs && (change.cause === 'event' || change.cause === 'late')) this.latency.recordValue(Math.max(0, Math.round((readMs - intendedMs) * 1_000)));
  }

  async stop(): Promise<void> {
    await this.#stop?.();
  }
}

/** Microseconds, up to ten minutes. */
function newHistogram(): Histogram {
  return build({ lowestDiscernibleValue: 1, highestTrackableValue: 600_000_000, numberOfSignificantValueDigits: 3 });
}

export interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** In milliseconds. */
export function percentilesOf(histogram: Histogram): Percentiles {
  const ms = (percentile: number): number => Math.round(histogram.getValueAtPercentile(percentile) / 10) / 100;
  return { count: histogram.totalCount, p50: ms(50), p90: ms(90), p99: ms(99), p999: ms(99.9), max: Math.round(histogram.maxValue / 10) / 100 };
}
