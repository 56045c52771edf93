// Traffic that goes on while something else is measured, and what it costs in latency.
import type { Stack } from '../../stack.ts';
import { waitForQuiet } from '../check-result.ts';
import { ChangeReader, type Percentiles, percentilesOf } from '../read-changes.ts';
import { kafkaSender, type Sender, sendOpenLoop } from '../send-load.ts';
import { EventSource, type LoadEvent, type Workload } from '../workload.ts';
import { LESSON } from './people.ts';

const SETTLE_MS = 3_000;
const HOUR_S = 3_600;

export interface Window<Result> {
  readonly result: Result;
  readonly seconds: number;
  readonly latencyMs: Percentiles;
  readonly exitErrorMs: Percentiles;
}

export class LiveLoad {
  #runs = 0;
  readonly reader: ChangeReader;
  readonly #sender: Sender;
  readonly #at: { readonly databaseUrl: string; readonly workload: Workload; readonly perSecond: number };

  constructor(reader: ChangeReader, sender: Sender, at: { readonly databaseUrl: string; readonly workload: Workload; readonly perSecond: number }) {
    this.reader = reader;
    this.#sender = sender;
    this.#at = at;
  }

  static async start({ env, credentials }: Stack, workload: Workload, perSecond: number): Promise<LiveLoad> {
    const brokers = env['KAFKA_BROKERS'] as string;
    const reader = new ChangeReader(brokers);
    await reader.start();
    return new LiveLoad(reader, await kafkaSender(brokers, credentials!.writeKey), { databaseUrl: env['DATABASE_URL'] as string, workload, perSecond });
  }

  /** The latency of the events that were to be sent while `work` ran, all of them, however late they came through. */
  async during<Result>(work: () => Promise<Result>, perSecond = this.#at.perSecond): Promise<Window<Result>> {
    const { databaseUrl, workload } = this.#at;
    const over = new AbortController();
    const source = new LessonSource(workload, `r${++this.#runs}`);
    const sending = sendOpenLoop(source, this.#sender, { perSecond, seconds: HOUR_S, until: over.signal });
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const startedMs = Date.now();
    this.reader.reset(startedMs);
    try {
      const result = await work();
      const seconds = (Date.now() - startedMs) / 1_000;
      over.abort();
      await sending;
      await waitForQuiet(databaseUrl);
      await new Promise((resolve) => setTimeout(resolve, 500));
      return { result, seconds, latencyMs: percentilesOf(this.reader.latency), exitErrorMs: percentilesOf(this.reader.exitError) };
    } finally {
      over.abort();
    }
  }

  async stop(): Promise<void> {
    await this.reader.stop();
    await this.#sender.close();
  }
}

/** One event in eight is a lesson, so that a new segment about lessons has live events too. */
class LessonSource extends EventSource {
  #count = 0;

  override next(intendedMs: number): LoadEvent {
    const event = super.next(intendedMs);
    if (++this.#count % 8 !== 0) return event;
    return { ...event, message: { ...event.message, event: LESSON, properties: { minutes: this.#count % 60 } } };
  }
}

export function latencyRow(what: string, before: Percentiles, during: Percentiles): [string, string, string] {
  return [`live p99 ${what}`, `${during.p99} ms (before: ${before.p99} ms, p50 ${before.p50} → ${during.p50})`, 'twice'];
}
