import 'reflect-metadata';
import { createHash, randomUUID } from 'node:crypto';
import { ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { inboundEvents } from '@tributary/contracts/topics/inbound-events';
import { messagesSent } from '@tributary/contracts/topics/messages-sent';
import { ProblemFilter } from '@tributary/service/problem-filter';
import { ServiceLog } from '@tributary/service/service-log';
import { toProblem } from '@tributary/service/validation';
import type { LogRecord } from '@tributary/stream/stage';
import { createTestBroker } from '@tributary/testing/test-broker';
import { Mailbox } from '../mailbox/mailbox.js';
import { createDeliveryDatabase, type DeliveryDatabase, WORKSPACE } from './delivery-database.js';
import { aChange, SECRET, toRecord } from './delivery-harness.js';

const ADMIN_KEY = 'admin_key_of_the_test_workspace';

export const TEMPLATE = {
  name: 'Welcome', format: 'html', language: 'liquid', subject: 'Hi {{ profile.firstName }}', preheader: 'For you',
  body: '<body><p>Hi {{ profile.firstName }}</p><a href="https://shop.example/go?a=1&amp;b=ü">Go</a> <a href="{{ preferences_url }}">Preferences</a></body>',
};

/** What was published: a record of `messages.sent` or an event for the inlet. */
export interface Told {
  readonly topic: string;
  readonly value: { readonly [field: string]: unknown };
  readonly headers: { readonly [name: string]: string };
}

/** A mail that somebody got, with its links pointed at the running service. */
export interface ArrivedMail {
  readonly profileId: string;
  readonly sendId: string;
  readonly segment: string;
  readonly unsubscribe: string;
  readonly preferences: string;
  readonly click: string;
  readonly pixel: string;
}

/** The real module on a real database, broker and SMTP server; only the other services are tables. */
export class DeliveryApp {
  readonly adminKey = ADMIN_KEY;

  private constructor(
    readonly database: DeliveryDatabase,
    readonly mailbox: Mailbox,
    readonly base: string,
    /** Everything published so far, in the order in which it was read back. */
    readonly told: readonly Told[],
    private readonly app: NestFastifyApplication,
    private readonly stage: import('../decide-changes.js').ChangesStage,
    private readonly tails: readonly { stop(): Promise<void> }[],
  ) {}

  static async start(): Promise<DeliveryApp> {
    const database = await createDeliveryDatabase();
    await database.pool.query(`insert into ingestion.keys values ($1, 'admin', $2, null, true)`, [createHash('sha256').update(ADMIN_KEY).digest(), WORKSPACE]);
    const mailbox = new Mailbox({ host: '127.0.0.1', httpPort: 0, smtpPort: 0 });
    const { smtpPort } = await mailbox.start();
    const broker = createTestBroker();
    Object.assign(process.env, {
      DATABASE_URL: database.url, KAFKA_BROKERS: broker.brokers.join(), TOPIC_PREFIX: broker.prefix, TRIBUTARY_SECRET: SECRET, OPERATOR_KEY: 'operator-key-of-tests',
      SMTP_URL: `smtp://127.0.0.1:${smtpPort}`, MAIL_FROM: 'Shop <mail@shop.example>', PARTITIONS: '4',
    });
    const { DeliveryModule } = await import('../delivery.module.js');
    const { ChangesStage } = await import('../decide-changes.js');
    const app = await NestFactory.create<NestFastifyApplication>(DeliveryModule, new FastifyAdapter({ routerOptions: { maxParamLength: 2_048 } }), { logger: false, abortOnError: false, rawBody: true });
    app.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true, exceptionFactory: toProblem }));
    app.useGlobalFilters(new ProblemFilter());
    const told: Told[] = [];
    const tails = await listen(app, told);
    await app.listen(0, '127.0.0.1');
    return new DeliveryApp(database, mailbox, (await app.getUrl()).replace('[::1]', '127.0.0.1'), told, app, app.get(ChangesStage), tails);
  }

  async stop(): Promise<void> {
    const { log } = this.app.get(ServiceLog);
    await Promise.all(this.tails.map((tail) => tail.stop()));
    await this.app.close();
    await log.close();
    await this.mailbox.stop();
    await this.database.drop();
  }

  /** With the workspace's admin key unless told otherwise. */
  async call(method: string, path: string, body?: object, key = ADMIN_KEY): Promise<{ status: number; body: { readonly [field: string]: unknown } }> {
    const headers = { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
    const response = await fetch(this.base + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    const text = await response.text();
    return { status: response.status, body: text === '' ? {} : JSON.parse(text) };
  }

  /** A membership change, decided and committed as the line would. */
  async change(profileId: string, over: object): Promise<void> {
    const { writes = [], afterCommit } = await this.stage.decide([toRecord(aChange(profileId, { processedAt: new Date(Date.now() + 1_000).toISOString(), ...over }))]);
    await this.database.commit(writes);
    afterCommit?.();
  }

  /** Decisions about a profile, newest first. */
  async sendsOf(profileId: string): Promise<{ reason: string; changeSequence: number | null }[]> {
    return (await this.call('GET', `/v1/sends?profile=${profileId}`)).body['sends'] as { reason: string; changeSequence: number | null }[];
  }

  /** Events told to the inlet about a send. */
  eventsOf(sendId: string, event: string): Told['value'][] {
    return this.told.filter(({ topic, value }) => topic === inboundEvents.name && value['event'] === event && String(value['messageId']).includes(sendId)).map(({ value }) => value);
  }

  /** Someone enters a segment of their own and gets the mail. */
  async aMail(): Promise<ArrivedMail> {
    const [segment, template, email] = [`s-${randomUUID()}`, `t-${randomUUID()}`, `${randomUUID()}@a.example`];
    await this.call('POST', '/v1/templates', { key: template, ...TEMPLATE });
    await this.call('POST', '/v1/automations', { key: segment, segment, on: 'entered', template, purpose: 'email_marketing' });
    const profileId = await this.database.addPerson({ email, traits: { firstName: 'Ann' } });
    await this.change(profileId, { segment });
    const mail = await eventually(() => this.mailbox.store.list({ to: email })[0]);
    await eventually(async () => (await this.sendsOf(profileId))[0]);
    const find = (pattern: RegExp, text: string | null | undefined): string => (pattern.exec(text ?? '')?.[1] ?? '').replace(/^http:\/\/[^/]+/, this.base);
    return {
      profileId, segment, sendId: find(/^<([0-9a-f-]{36})@/, mail.headers['message-id']), unsubscribe: find(/<(.*)>/, mail.headers['list-unsubscribe']),
      preferences: find(/href="([^"]*\/p\/[^"]*)"/, mail.html), click: find(/href="([^"]*\/c\/[^"]*)"/, mail.html), pixel: find(/src="([^"]*\/o\/[^"]*)"/, mail.html),
    };
  }
}

async function listen(app: NestFastifyApplication, told: Told[]): Promise<{ stop(): Promise<void> }[]> {
  const tails = [];
  const { log } = app.get(ServiceLog);
  const topics = [messagesSent.name, inboundEvents.name];
  await log.ensureTopics(topics.map((name) => ({ name, partitions: 4, replicationFactor: 1, config: {} })));
  for (const topic of topics) {
    const options = { topic, from: 'start' as const, onRecord: ({ value, headers }: LogRecord) => void told.push({ topic, value: JSON.parse(value?.toString() ?? ''), headers }) };
    // A topic this new may have no leader yet.
    tails.push(await eventually(() => log.tail(options).catch(() => undefined)));
  }
  return tails;
}

/** What `look` finds, as soon as it finds anything; for 10 seconds. */
export async function eventually<Result>(look: () => Result | undefined | Promise<Result | undefined>): Promise<Result> {
  for (let tries = 0; tries < 200; tries += 1) {
    const result = await look();
    if (result !== undefined) return result;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('it did not happen within 10 seconds');
}
