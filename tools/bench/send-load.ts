// An open loop: arrival times are fixed in advance and nothing waits for answers, so a stall shows as latency.
import { request } from 'node:http';
// The product's own patches of the client: the generator must not be slower than what it measures.
import '@tributary/stream/kafkajs-crc';
import '@tributary/stream/kafkajs-encoder';
import { CompressionTypes, Kafka, logLevel, Partitioners, type Producer } from 'kafkajs';
import type { EventSource, LoadEvent } from './workload.ts';

export interface Sender {
  send(events: readonly LoadEvent[]): Promise<void>;
  close(): Promise<void>;
}

/** Straight into the inlet, one event a record, by the key of the person. */
export async function kafkaSender(brokers: string, writeKey: string): Promise<Sender> {
  const kafka = new Kafka({ clientId: 'bench', brokers: brokers.split(','), logLevel: logLevel.NOTHING });
  const producer: Producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, maxInFlightRequests: 5 });
  await producer.connect();
  const headers = { 'write-key': writeKey };
  return {
    send: async (events) => {
      await producer.send({
        topic: 'inbound.events', acks: -1, compression: CompressionTypes.None,
        messages: events.map(({ key, message }) => ({ key, value: JSON.stringify(message), headers })),
      });
    },
    close: () => producer.disconnect(),
  };
}

/** Through `/v1/batch` of the collector. */
export function httpSender(url: string, writeKey: string): Sender {
  const authorization = `Basic ${Buffer.from(`${writeKey}:`).toString('base64')}`;
  const post = (events: readonly LoadEvent[]): Promise<void> =>
    new Promise((resolve, reject) => {
      const body = JSON.stringify({ batch: events.map(({ message }) => message) });
      const call = request(`${url}/v1/batch`, { method: 'POST', headers: { authorization, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) } }, (response) => {
        response.resume();
        response.on('end', () => (response.statusCode === 200 ? resolve() : reject(new Error(`the collector answered ${response.statusCode}`))));
      });
      call.on('error', reject);
      call.end(body);
    });
  return { send: post, close: () => Promise.resolve() };
}

export interface SendResult {
  readonly sent: number;
  readonly seconds: number;
  /** How far behind its own schedule the generator was at worst, ms. */
  readonly generatorLagMs: number;
  readonly failures: number;
}

const SLICE_MS = 5;
const IN_FLIGHT_MAX = 400;

export async function sendOpenLoop(source: EventSource, sender: Sender, load: { readonly perSecond: number; readonly seconds: number; readonly until?: AbortSignal }): Promise<SendResult> {
  const startMs = performance.timeOrigin + performance.now();
  const total = load.perSecond * load.seconds;
  const now = (): number => performance.timeOrigin + performance.now() - startMs;
  let sent = 0;
  let generatorLagMs = 0;
  let failures = 0;
  const inFlight = new Set<Promise<void>>();
  while (sent < total && load.until?.aborted !== true) {
    const dueCount = Math.min(total, Math.floor((now() * load.perSecond) / 1_000));
    if (dueCount > sent) {
      generatorLagMs = Math.max(generatorLagMs, now() - (sent * 1_000) / load.perSecond);
      const events: LoadEvent[] = [];
      for (; sent < dueCount && events.length < 1_000; sent++) events.push(source.next(startMs + (sent * 1_000) / load.perSecond));
      const call = sender.send(events).catch(() => void failures++).finally(() => inFlight.delete(call)) as Promise<void>;
      inFlight.add(call);
      if (inFlight.size > IN_FLIGHT_MAX) await Promise.race(inFlight);
    }
    await new Promise((resolve) => setTimeout(resolve, SLICE_MS));
  }
  await Promise.all(inFlight);
  return { sent, seconds: now() / 1_000, generatorLagMs, failures };
}
