// A running system as its users reach it: HTTP, Kafka, the mailbox.
import { randomUUID } from 'node:crypto';
import { Kafka, logLevel, type Producer } from 'kafkajs';
import type { SegmentChange } from '@tributary/contracts/change';
import { startTestStack, type TestStack } from '../../tools/test-stack.ts';
import type { Layout } from '../../tools/layout.ts';
import type { StackOptions } from '../../tools/stack.ts';

export interface Answer {
  readonly status: number;
  // Answers are looked into field by field in tests.
  readonly body: Record<string, never> & { [field: string]: unknown };
}

export interface Mail {
  readonly id: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly html: string;
  readonly text: string;
  readonly headers: { readonly [name: string]: string };
}

/** What `npm test` runs the flows on: six processes, then two. */
export const LAYOUT: Layout = process.env['TEST_LAYOUT'] === 'compact' ? 'compact' : 'services';

const WAIT_MS = 30_000;

export class System {
  readonly changes: (SegmentChange & { readonly readMs: number; readonly traceparent: string })[] = [];
  #producer: Producer | undefined;
  #stopReading: (() => Promise<void>) | undefined;

  private constructor(readonly stack: TestStack) {}

  static async start(options: Partial<StackOptions> = {}): Promise<System> {
    const system = new System(await startTestStack({ layout: LAYOUT, ...options }));
    await system.#read();
    return system;
  }

  get credentials() {
    const { credentials } = this.stack;
    if (credentials === undefined) throw new Error('the stack has no workspace');
    return credentials;
  }

  get databaseUrl(): string {
    return this.stack.env['DATABASE_URL'] as string;
  }

  get kafka(): Kafka {
    return new Kafka({ clientId: 'e2e', brokers: (this.stack.env['KAFKA_BROKERS'] as string).split(','), logLevel: logLevel.NOTHING });
  }

  async stop(): Promise<void> {
    await this.#producer?.disconnect();
    await this.#stopReading?.();
    await this.stack.stop();
  }

  // --- HTTP ---

  async call(service: keyof TestStack['urls'], method: string, path: string, body?: object): Promise<Answer> {
    const response = await fetch(`${this.stack.urls[service]}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.credentials.adminKey}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json().catch(() => ({}))) as Answer['body'] };
  }

  async collect(messages: readonly object[], headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(`${this.stack.urls.ingestion}/v1/batch`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${this.credentials.writeKey}:`).toString('base64')}`, 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ batch: messages }),
    });
    return { status: response.status, body: (await response.json()) as Answer['body'] };
  }

  /** Straight into the inlet; the partition may be chosen. */
  async publish(messages: readonly object[], partition?: number): Promise<void> {
    const producer = await this.#connected();
    await producer.send({
      topic: 'inbound.events',
      messages: messages.map((message) => ({
        key: (message as { userId?: string }).userId ?? 'nobody', value: JSON.stringify(message), headers: { 'write-key': this.credentials.writeKey }, ...(partition === undefined ? {} : { partition }),
      })),
    });
  }

  async publishRaw(value: string | null, headers: Record<string, string>): Promise<void> {
    const producer = await this.#connected();
    await producer.send({ topic: 'inbound.events', messages: [{ key: 'raw', value, headers }] });
  }

  async #connected(): Promise<Producer> {
    if (this.#producer === undefined) {
      this.#producer = this.kafka.producer();
      await this.#producer.connect();
    }
    return this.#producer;
  }

  async defineSegment(key: string, definition: { readonly rule: object; readonly stay?: object }): Promise<void> {
    const answer = await this.call('segmentation', 'POST', '/v1/segments', { key, name: key, ...definition });
    if (answer.status !== 201) throw new Error(`segment ${key}: ${answer.status} ${JSON.stringify(answer.body)}`);
    await this.until(`segment ${key} to be live`, async () => (await this.call('segmentation', 'GET', `/v1/segments/${key}`)).body['status'] === 'live');
  }

  // --- what comes out ---

  async #read(): Promise<void> {
    const consumer = this.kafka.consumer({ groupId: `e2e-${randomUUID()}`, retry: { retries: 30 } });
    await consumer.connect();
    await consumer.subscribe({ topics: ['segments.changed'], fromBeginning: true });
    await consumer.run({ eachMessage: async ({ message: { value, headers } }) => {
      this.changes.push({ ...(JSON.parse((value as Buffer).toString()) as SegmentChange), readMs: Date.now(), traceparent: String(headers?.['traceparent']) });
    } });
    this.#stopReading = () => consumer.disconnect();
  }

  /** A person's changes, each once, in sequence: repeated records are the same. */
  async changesOf(ref: string, segment?: string): Promise<System['changes']> {
    const [type, value] = ref.split(':');
    const own = this.changes.filter(({ identifiers }) => identifiers.some((identifier) => identifier.type === type && identifier.value === value));
    return [...new Map(own.map((change) => [`${change.profileId}/${change.sequence}`, change])).values()]
      .filter((change) => segment === undefined || change.segment === segment)
      .sort((left, right) => left.sequence - right.sequence);
  }

  async segmentsOf(ref: string): Promise<string[]> {
    const { body } = await this.call('segmentation', 'GET', `/v1/profiles/${encodeURIComponent(ref)}/segments`);
    return ((body['segments'] ?? []) as { key: string }[]).map(({ key }) => key).sort();
  }

  async mailsTo(address: string): Promise<Mail[]> {
    const response = await fetch(`${this.stack.urls.mailbox}/api/messages?to=${encodeURIComponent(address)}`);
    return (await response.json()) as Mail[];
  }

  async until<Found>(what: string, look: () => Promise<Found | false | undefined | null>, waitMs = WAIT_MS): Promise<Found> {
    for (const giveUpMs = Date.now() + waitMs; ; ) {
      const found = await look();
      if (found !== false && found !== undefined && found !== null) return found;
      if (Date.now() > giveUpMs) throw new Error(`waited ${waitMs} ms in vain for ${what}`);
      await sleep(50);
    }
  }

  /** Resolves once everything sent before now, and everything that time did before now, is in every answer. */
  async quiet(): Promise<void> {
    const nowMs = Date.now();
    await this.until('the watermark to go by', async () => Date.parse((await this.call('segmentation', 'GET', '/v1/segments?limit=1')).body['segments']?.[0]?.['asOf'] ?? '') > nowMs, 60_000);
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

let people = 0;

/** A person nobody has seen before. */
export function aUser(): string {
  return `user-${process.pid}-${Date.now().toString(36)}-${people++}`;
}

export interface Message {
  readonly type: string;
  readonly messageId: string;
  readonly timestamp: string;
  readonly [field: string]: unknown;
}

export function track(userId: string, event: string, more: object = {}): Message {
  return { type: 'track', messageId: randomUUID(), userId, event, timestamp: new Date().toISOString(), ...more };
}

export function identify(userId: string, traits: object, more: object = {}): Message {
  return { type: 'identify', messageId: randomUUID(), userId, traits, timestamp: new Date().toISOString(), ...more };
}
