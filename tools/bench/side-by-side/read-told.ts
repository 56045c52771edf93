// An ordinary consumer of segments.changed, who writes down what it reads and when; and the inlet as it was appended.
import { Kafka, logLevel } from 'kafkajs';
import type { Told } from './judge.ts';
import { flipKey, type KnownEvent } from './replay-truth.ts';

interface ChangeRecord {
  readonly change: 'entered' | 'left';
  readonly segment: string;
  readonly user?: string;
  readonly identifiers?: readonly { readonly type: string; readonly value: string }[];
  readonly effectiveAt: string;
  readonly reason: { readonly event?: { readonly messageId: string } };
}

export class ToldReader {
  readonly told = new Map<string, Told[]>();
  /** When each message was first read of: for contestants that decide nothing. */
  readonly seen = new Map<string, number>();
  count = 0;
  lastReadMs = 0;
  #stop: (() => Promise<void>) | undefined;

  async start(brokers: string): Promise<void> {
    const kafka = new Kafka({ clientId: 'bench-reader', brokers: brokers.split(','), logLevel: logLevel.NOTHING });
    const consumer = kafka.consumer({ groupId: `side-by-side-${process.pid}-${Date.now()}`, maxWaitTimeInMs: 2_000 });
    await consumer.connect();
    await consumer.subscribe({ topics: ['segments.changed'], fromBeginning: true });
    const joined = new Promise<void>((resolve) => consumer.on(consumer.events.GROUP_JOIN, () => resolve()));
    await consumer.run({
      partitionsConsumedConcurrently: 16,
      eachBatch: async ({ batch }) => {
        const readMs = performance.timeOrigin + performance.now();
        for (const { value } of batch.messages) if (value !== null) this.#take(JSON.parse(value.toString()) as ChangeRecord, readMs);
      },
    });
    await joined;
    this.#stop = () => consumer.disconnect();
  }

  #take(record: ChangeRecord, readMs: number): void {
    const { change, segment, effectiveAt, identifiers, reason } = record;
    const user = record.user ?? identifiers?.find(({ type }) => type === 'userId')?.value ?? '';
    const key = flipKey(user, segment);
    const list = this.told.get(key) ?? [];
    this.told.set(key, list);
    list.push({ change, effectiveMs: Date.parse(effectiveAt), readMs });
    this.count++;
    const { event } = reason;
    if (event === undefined) return;
    this.lastReadMs = readMs;
    if (!this.seen.has(event.messageId)) this.seen.set(event.messageId, readMs);
  }

  async stop(): Promise<void> {
    await this.#stop?.();
  }
}

/** Everything in the inlet, with the instants at which the broker appended it. */
export async function readInlet(brokers: string): Promise<KnownEvent[]> {
  const kafka = new Kafka({ clientId: 'bench-inlet', brokers: brokers.split(','), logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const ends = await admin.fetchTopicOffsets('inbound.events');
  await admin.disconnect();
  const open = new Map(ends.filter(({ high }) => Number(high) > 0).map(({ partition, high }) => [partition, Number(high)]));
  const events: KnownEvent[] = [];
  if (open.size === 0) return events;
  const consumer = kafka.consumer({ groupId: `side-by-side-inlet-${process.pid}-${Date.now()}` });
  await consumer.connect();
  await consumer.subscribe({ topics: ['inbound.events'], fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload: { error } }) => reject(error));
    void consumer.run({
      eachBatch: async ({ batch }) => {
        for (const { key, value, timestamp } of batch.messages) {
          // Ticks have no value.
          if (key === null || value === null) continue;
          const message = JSON.parse(value.toString()) as { event?: string; messageId: string; timestamp: string };
          if (message.event !== undefined) events.push({ user: key.toString(), name: message.event, messageId: message.messageId, timestampMs: Date.parse(message.timestamp), appendedMs: Number(timestamp) });
        }
        if (Number(batch.lastOffset()) + 1 >= (open.get(batch.partition) ?? 0)) open.delete(batch.partition);
        if (open.size === 0) resolve();
      },
    }).catch(reject);
  });
  await consumer.disconnect();
  return events;
}
