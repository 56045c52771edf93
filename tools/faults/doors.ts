// The two ways in, as a careful client uses them: what was not answered for is sent again, with the same message id.
import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel, Partitioners, type Producer } from 'kafkajs';
import type { AcceptedLog } from './accepted-log.ts';
import type { MadeEvent } from './event-source.ts';

export type Door = 'http' | 'kafka';

export interface DoorsOptions {
  readonly brokers: string;
  readonly collectorUrl: string;
  readonly writeKey: string;
  readonly accepted: AcceptedLog;
}

const ANSWER_MS_MAX = 6_000;
const AGAIN_MS = 300;

export class Doors {
  readonly #options: DoorsOptions;
  readonly #producer: Producer;
  #closed = false;

  constructor(options: DoorsOptions) {
    this.#options = options;
    const kafka = new Kafka({ clientId: 'faults', brokers: options.brokers.split(','), logLevel: logLevel.NOTHING, requestTimeout: ANSWER_MS_MAX, retry: { retries: 2, initialRetryTime: 100 } });
    this.#producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  }

  open(): Promise<void> {
    return this.#producer.connect();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#producer.disconnect();
  }

  /** Resolves once every event is accepted; at every attempt through the door that `choose` names. */
  async deliver(events: readonly MadeEvent[], choose: () => Door): Promise<void> {
    const { accepted } = this.#options;
    while (!this.#closed) {
      for (const event of events) accepted.attempt(event, Date.now());
      try {
        await (choose() === 'http' ? this.#post(events) : this.#append(events));
        for (const { message } of events) accepted.accept(message.messageId, Date.now());
        return;
      } catch {
        accepted.unanswered += events.length;
        await sleep(AGAIN_MS);
      }
    }
  }

  async #post(events: readonly MadeEvent[]): Promise<void> {
    const { collectorUrl, writeKey } = this.#options;
    const response = await fetch(`${collectorUrl}/v1/batch`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${writeKey}:`).toString('base64')}`, 'content-type': 'application/json' },
      body: JSON.stringify({ batch: events.map(({ message }) => message) }),
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    });
    const answer = (await response.json()) as { errors?: readonly unknown[] };
    if (response.status !== 200 || (answer.errors?.length ?? 0) > 0) throw new Error(`the collector answered ${response.status} ${JSON.stringify(answer)}`);
  }

  async #append(events: readonly MadeEvent[]): Promise<void> {
    const headers = { 'write-key': this.#options.writeKey };
    await this.#producer.send({
      topic: 'inbound.events',
      acks: -1,
      messages: events.map(({ message }) => ({ key: String(message['userId'] ?? message['anonymousId']), value: JSON.stringify(message), headers })),
    });
  }
}
