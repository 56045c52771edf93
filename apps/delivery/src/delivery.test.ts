import 'reflect-metadata';
import { createHash, randomUUID } from 'node:crypto';
import { type INestApplication, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { inboundEvents } from '@tributary/contracts/topics/inbound-events';
import { messagesSent } from '@tributary/contracts/topics/messages-sent';
import { ProblemFilter } from '@tributary/service/problem-filter';
import { ServiceLog } from '@tributary/service/service-log';
import { toProblem } from '@tributary/service/validation';
import type { LogRecord } from '@tributary/stream/stage';
import { createTestBroker } from '@tributary/testing/test-broker';
import { insertClaims } from './sends/claim.js';
import { Mailbox } from './mailbox/mailbox.js';
import { createDeliveryDatabase, type DeliveryDatabase, WORKSPACE } from './testing/delivery-database.js';
import { aChange, SECRET, toRecord } from './testing/delivery-harness.js';

const ADMIN_KEY = 'admin_key_of_the_test_workspace';
const BROWSER = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36' };

let database: DeliveryDatabase;
let mailbox: Mailbox;
let app: INestApplication;
let base: string;
let stage: import('./decide-changes.js').ChangesStage;
const told: { readonly topic: string; readonly value: { readonly [field: string]: unknown }; readonly headers: { readonly [name: string]: string } }[] = [];

beforeAll(async () => {
  database = await createDeliveryDatabase();
  await database.pool.query(`insert into ingestion.keys values ($1, 'admin', $2, null, true)`, [createHash('sha256').update(ADMIN_KEY).digest(), WORKSPACE]);
  mailbox = new Mailbox({ host: '127.0.0.1', httpPort: 0, smtpPort: 0 });
  const { smtpPort } = await mailbox.start();
  const broker = createTestBroker();
  Object.assign(process.env, {
    DATABASE_URL: database.url, KAFKA_BROKERS: broker.brokers.join(), TOPIC_PREFIX: broker.prefix, TRIBUTARY_SECRET: SECRET, OPERATOR_KEY: 'operator-key-of-tests',
    SMTP_URL: `smtp://127.0.0.1:${smtpPort}`, MAIL_FROM: 'Shop <mail@shop.example>', PARTITIONS: '4',
  });
  const { DeliveryModule } = await import('./delivery.module.js');
  const { ChangesStage } = await import('./decide-changes.js');
  app = await NestFactory.create<NestFastifyApplication>(DeliveryModule, new FastifyAdapter({ maxParamLength: 2_048 }), { logger: false, abortOnError: false, rawBody: true });
  const { log } = app.get(ServiceLog);
  await log.ensureTopics([messagesSent, inboundEvents].map(({ name }) => ({ name, partitions: 4, replicationFactor: 1, config: {} })));
  app.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true, exceptionFactory: toProblem }));
  app.useGlobalFilters(new ProblemFilter());
  await app.listen(0, '127.0.0.1');
  base = (await app.getUrl()).replace('[::1]', '127.0.0.1');
  stage = app.get(ChangesStage);
  for (const topic of [messagesSent.name, inboundEvents.name]) {
    const options = { topic, from: 'start' as const, onRecord: ({ value, headers }: LogRecord) => void told.push({ topic, value: JSON.parse(value?.toString() ?? ''), headers }) };
    // A topic this new may have no leader yet.
    await eventually(() => log.tail(options).catch(() => undefined));
  }
}, 60_000);

afterAll(async () => {
  const { log } = app.get(ServiceLog);
  await app.close();
  await log.close();
  await mailbox.stop();
  await database.drop();
});

async function call(method: string, path: string, body?: object, key = ADMIN_KEY): Promise<{ status: number; body: Record<string, never> & { [field: string]: unknown } }> {
  const response = await fetch(base + path, {
    method, headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) }, ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? {} : JSON.parse(text) };
}

async function change(profileId: string, over: object): Promise<void> {
  const { writes = [], afterCommit } = await stage.decide([toRecord(aChange(profileId, { processedAt: new Date(Date.now() + 1_000).toISOString(), ...over }))]);
  await database.commit(writes);
  afterCommit?.();
}

async function eventually<Result>(look: () => Result | undefined | Promise<Result | undefined>): Promise<Result> {
  for (let tries = 0; tries < 200; tries += 1) {
    const result = await look();
    if (result !== undefined) return result;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('it did not happen within 10 seconds');
}

const TEMPLATE = {
  name: 'Welcome', format: 'html', language: 'liquid', subject: 'Hi {{ profile.firstName }}', preheader: 'For you',
  body: '<body><p>Hi {{ profile.firstName }}</p><a href="https://shop.example/go?a=1&amp;b=ü">Go</a> <a href="{{ preferences_url }}">Preferences</a></body>',
};

/** Someone enters a segment of their own and gets the mail. */
async function aMail(): Promise<{ profileId: string; sendId: string; segment: string; html: string; unsubscribe: string; preferences: string; click: string; pixel: string }> {
  const segment = `s-${randomUUID()}`;
  const template = `t-${randomUUID()}`;
  expect((await call('POST', '/v1/templates', { key: template, ...TEMPLATE })).status).toBe(201);
  expect((await call('POST', '/v1/automations', { key: segment, segment, on: 'entered', template, purpose: 'email_marketing' })).status).toBe(201);
  const email = `${randomUUID()}@a.example`;
  const profileId = await database.addPerson({ email, traits: { firstName: 'Ann' } });
  await change(profileId, { segment });
  const mail = await eventually(() => mailbox.store.list({ to: email })[0]);
  const sendId = /^<([0-9a-f-]{36})@/.exec(mail.headers['message-id'] as string)?.[1] as string;
  await eventually(async () => ((await call('GET', `/v1/sends?profile=${profileId}`)).body['sends'] as unknown as unknown[])[0]);
  const link = (pattern: RegExp): string => (pattern.exec(mail.html ?? '')?.[1] ?? '').replace(/^http:\/\/[^/]+/, base);
  return {
    profileId, sendId, segment, html: mail.html as string,
    unsubscribe: (/<(.*)>/.exec(mail.headers['list-unsubscribe'] as string)?.[1] as string).replace(/^http:\/\/[^/]+/, base),
    preferences: link(/href="([^"]*\/p\/[^"]*)"/), click: link(/href="([^"]*\/c\/[^"]*)"/), pixel: link(/src="([^"]*\/o\/[^"]*)"/),
  };
}

const sendsOf = async (profileId: string) => (await call('GET', `/v1/sends?profile=${profileId}`)).body['sends'] as unknown as { reason: string; changeSequence: number }[];

const eventsOf = (sendId: string, event: string) =>
  told.filter(({ topic, value }) => topic === inboundEvents.name && value['event'] === event && (value['messageId'] as string).includes(sendId)).map(({ value }) => value);

describe('templates over HTTP', () => {
  test('are made, read, listed, replaced and deleted', async () => {
    const key = `t-${randomUUID()}`;
    const made = await call('POST', '/v1/templates', { key, ...TEMPLATE });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ key, ...TEMPLATE, text: null, required: [], version: 1, warnings: [] });
    expect((await call('POST', '/v1/templates', { key, ...TEMPLATE })).status).toBe(409);
    expect((await call('GET', `/v1/templates/${key}`)).body).toEqual(made.body);
    const replaced = await call('PUT', `/v1/templates/${key}`, { ...TEMPLATE, subject: 'Ho' });
    expect(replaced.body).toMatchObject({ version: 2, subject: 'Ho' });
    expect(((await call('GET', '/v1/templates?limit=1000')).body['templates'] as unknown as { key: string }[]).map((template) => template.key)).toContain(key);
    expect((await call('DELETE', `/v1/templates/${key}`)).status).toBe(204);
    expect((await call('GET', `/v1/templates/${key}`)).status).toBe(404);
    expect((await call('PUT', `/v1/templates/${key}`, TEMPLATE)).status).toBe(404);
  });

  test('are listed page by page', async () => {
    for (const letter of ['a', 'b', 'c']) await call('POST', '/v1/templates', { key: `0-page-${letter}`, ...TEMPLATE });
    const first = await call('GET', '/v1/templates?limit=2');
    expect((first.body['templates'] as unknown as { key: string }[]).map(({ key }) => key)).toEqual(['0-page-a', '0-page-b']);
    const second = await call('GET', `/v1/templates?limit=2&cursor=${String(first.body['cursor'])}`);
    expect((second.body['templates'] as unknown as { key: string }[])[0]?.key).toBe('0-page-c');
  });

  test.each([
    ['an unknown field', { colour: 'red' }, '/colour', 'unknown_field'],
    ['a wrong language', { language: 'php' }, '/language', 'is_in'],
    ['a wrong key', { key: 'Not A Key' }, '/key', 'matches'],
    ['a fault in the body', { body: '{% if %}' }, '/body', 'template_error'],
    ['a required path that leads nowhere', { required: ['secrets.key'] }, '/required', 'matches'],
  ])('with %s are refused with its place', async (_, over, pointer, code) => {
    const { status, body } = await call('POST', '/v1/templates', { key: `t-${randomUUID()}`, ...TEMPLATE, ...over });
    expect(status).toBe(422);
    expect(body).toMatchObject({ code: 'refused', errors: [expect.objectContaining({ pointer, code })] });
  });

  test('are shown for a person, with links that do nothing', async () => {
    const key = `t-${randomUUID()}`;
    await call('POST', '/v1/templates', { key, ...TEMPLATE, required: ['profile.plan'] });
    await database.addPerson({ email: 'preview@a.example', traits: { firstName: 'Pia' } });
    const { status, body } = await call('POST', `/v1/templates/${key}/preview`, { profile: 'email:preview@a.example' });
    expect(status).toBe(200);
    expect(body).toMatchObject({ subject: 'Hi Pia', preheader: 'For you', missing: ['profile.plan'], warnings: [] });
    expect(body['html']).toContain('href="https://shop.example/go');
    const preferences = /href="[^"]*(\/p\/[^"]*)"/.exec(String(body['html']))?.[1] ?? '';
    const page = await fetch(base + preferences, { method: 'POST' });
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('This is a preview')]);
    expect((await call('POST', `/v1/templates/${key}/preview`, { profile: 'email:nobody@a.example' })).status).toBe(404);
  });

  test('belong to a workspace, and need its key', async () => {
    expect((await call('GET', '/v1/templates', undefined, 'wrong')).status).toBe(401);
    expect((await fetch(`${base}/v1/templates`)).status).toBe(401);
    const otherKey = `other_${randomUUID()}`;
    await database.pool.query(`insert into ingestion.keys values ($1, 'admin', 'ws_2', null, true)`, [createHash('sha256').update(otherKey).digest()]);
    const key = `t-${randomUUID()}`;
    await call('POST', '/v1/templates', { key, ...TEMPLATE });
    expect((await call('GET', `/v1/templates/${key}`, undefined, otherKey)).status).toBe(404);
    expect((await call('POST', '/v1/automations', { key, segment: 'vip', on: 'entered', template: key, purpose: 'email_marketing' }, otherKey)).body).toMatchObject({ errors: [{ pointer: '/template', code: 'unknown_template' }] });
  });
});

describe('automations over HTTP', () => {
  test('are made, read, replaced and deleted; their template stays while they use it', async () => {
    const key = `a-${randomUUID()}`;
    await call('POST', '/v1/templates', { key, ...TEMPLATE });
    const content = { segment: 'vip', on: 'entered', template: key, purpose: 'email_marketing' };
    const made = await call('POST', '/v1/automations', { key, ...content });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ key, ...content, once: false, includeExisting: false });
    expect((await call('POST', '/v1/automations', { key, ...content })).status).toBe(409);
    expect((await call('PUT', `/v1/automations/${key}`, { ...content, once: true })).body).toMatchObject({ once: true });
    expect((await call('PUT', `/v1/automations/${key}`, { ...content, template: 'nothing' })).status).toBe(422);
    expect((await call('DELETE', `/v1/templates/${key}`)).body).toMatchObject({ status: 409, code: 'in_use' });
    expect((await call('DELETE', `/v1/automations/${key}`)).status).toBe(204);
    expect((await call('GET', `/v1/automations/${key}`)).status).toBe(404);
    expect((await call('DELETE', `/v1/templates/${key}`)).status).toBe(204);
  });

  test('with includeExisting write to those who are in the segment, once', async () => {
    const key = `a-${randomUUID()}`;
    await call('POST', '/v1/templates', { key, ...TEMPLATE });
    const member = await database.addPerson({ segments: [key] });
    await call('POST', '/v1/automations', { key, segment: key, on: 'entered', template: key, purpose: 'email_marketing', includeExisting: true });
    expect(await eventually(async () => (await sendsOf(member))[0])).toMatchObject({ reason: 'sent', changeSequence: null });
    // The record of the very entry that the list of members had already shown.
    await change(member, { segment: key, effectiveAt: new Date(1_000).toISOString(), sequence: 3 });
    await change(member, { segment: key, effectiveAt: new Date(5_000).toISOString(), sequence: 5 });
    await eventually(async () => (await sendsOf(member))[1]);
    expect((await sendsOf(member)).map(({ changeSequence }) => changeSequence)).toEqual([5, null]);
  });

  test('act on nothing from before them', async () => {
    const key = `a-${randomUUID()}`;
    await call('POST', '/v1/templates', { key, ...TEMPLATE });
    const profileId = await database.addPerson();
    const before = new Date().toISOString();
    await call('POST', '/v1/automations', { key, segment: key, on: 'entered', template: key, purpose: 'email_marketing' });
    await change(profileId, { segment: key, processedAt: new Date(Date.parse(before) - 1).toISOString(), sequence: 1 });
    await change(profileId, { segment: key, cause: 'backfill', sequence: 2 });
    await change(profileId, { segment: key, sequence: 3 });
    await eventually(async () => (await sendsOf(profileId))[0]);
    expect((await sendsOf(profileId)).map(({ changeSequence }) => changeSequence)).toEqual([3]);
  });
});

describe('what people do with a mail', () => {
  test('decisions, opens, clicks and refusals are told to the log', async () => {
    const { sendId, profileId, click, pixel } = await aMail();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const picture = await fetch(pixel, { headers: BROWSER });
    expect([picture.status, picture.headers.get('content-type'), picture.headers.get('cache-control')]).toEqual([200, 'image/gif', 'no-store']);
    const followed = await fetch(click, { headers: BROWSER, redirect: 'manual' });
    expect([followed.status, followed.headers.get('location'), followed.headers.get('referrer-policy'), followed.headers.get('cache-control')]).toEqual([302, 'https://shop.example/go?a=1&b=%C3%BC', 'no-referrer', 'no-store']);
    await eventually(() => eventsOf(sendId, 'Email Link Clicked')[0]);
    expect(eventsOf(sendId, 'Email Delivered')).toMatchObject([{ type: 'track', messageId: `delivered:${sendId}`, properties: { email_id: sendId } }]);
    expect(eventsOf(sendId, 'Email Opened')).toEqual([expect.objectContaining({ properties: expect.not.objectContaining({ machine: true }) })]);
    expect(eventsOf(sendId, 'Email Link Clicked')).toMatchObject([{ properties: { email_id: sendId, link_url: 'https://shop.example/go?a=1&b=ü' } }]);
    const record = told.find(({ topic, value }) => topic === messagesSent.name && value['id'] === sendId);
    expect(record).toMatchObject({ headers: { workspace: WORKSPACE }, value: { profileId, decision: 'sent', reason: 'sent', changeSequence: 1 } });
    const internal = told.find(({ value }) => value['messageId'] === `delivered:${sendId}`);
    expect(internal?.headers).toMatchObject({ 'profile-id': profileId, 'internal-signature': expect.stringMatching(/.{20}/) });
  });

  test('a scanner is marked as one', async () => {
    const { sendId, click, pixel } = await aMail();
    await fetch(click, { headers: BROWSER, redirect: 'manual' });
    await fetch(pixel, { method: 'HEAD', headers: BROWSER });
    await fetch(pixel, { headers: { 'user-agent': 'Mozilla/5.0' } });
    await eventually(() => eventsOf(sendId, 'Email Opened')[0]);
    expect(await eventually(() => eventsOf(sendId, 'Email Link Clicked')[0])).toMatchObject({ properties: { machine: true, machine_reason: 'too_fast' } });
    expect(eventsOf(sendId, 'Email Opened').every(({ properties }) => (properties as { machine?: boolean }).machine === true)).toBe(true);
  });

  test('GET on the unsubscribe link changes nothing, a hundred times', async () => {
    const { sendId, profileId, segment, unsubscribe } = await aMail();
    for (let times = 0; times < 100; times += 1) expect((await fetch(unsubscribe)).status).toBe(200);
    expect((await fetch(unsubscribe, { method: 'HEAD' })).status).toBe(200);
    const page = await fetch(unsubscribe);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await page.text()).toMatch(/<form method="post">/);
    await change(profileId, { segment, sequence: 2 });
    await eventually(async () => (await sendsOf(profileId))[1]);
    expect((await sendsOf(profileId))[0]).toMatchObject({ reason: 'sent', changeSequence: 2 });
    expect(eventsOf(sendId, 'Unsubscribed')).toEqual([]);
  });

  test.each([
    ['one click of a mail program', new URLSearchParams({ 'List-Unsubscribe': 'One-Click' })],
    ['a multipart form', new FormData()],
    ['an empty body', null],
  ])('POST by %s unsubscribes at once', async (_, body) => {
    const { sendId, profileId, segment, unsubscribe } = await aMail();
    if (body instanceof FormData) body.set('List-Unsubscribe', 'One-Click');
    const answer = await fetch(unsubscribe, { method: 'POST', redirect: 'manual', body });
    expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining('You are unsubscribed')]);
    await change(profileId, { segment, sequence: 2 });
    await eventually(async () => (await sendsOf(profileId))[1]);
    expect((await sendsOf(profileId))[0]).toMatchObject({ reason: 'suppressed', changeSequence: 2 });
    await eventually(() => eventsOf(sendId, 'Unsubscribed')[0]);
    expect(await eventually(() => eventsOf(sendId, 'Consent Updated')[0])).toMatchObject({ properties: { purpose: 'email_marketing', decision: 'withdrawn', source: 'unsubscribe-link', textVersion: expect.any(String) } });
  });

  test('the preferences page takes back what was a mistake', async () => {
    const { sendId, preferences } = await aMail();
    const choose = async (choice: string) => (await fetch(preferences, { method: 'POST', body: new URLSearchParams({ choice }) })).status;
    expect(await (await fetch(preferences)).text()).toContain('You are subscribed');
    expect(await choose('unsubscribe')).toBe(200);
    expect(await (await fetch(preferences)).text()).toContain('You are unsubscribed');
    expect(await choose('subscribe')).toBe(200);
    expect(await (await fetch(preferences)).text()).toContain('You are subscribed');
    expect(await choose('nonsense')).toBe(400);
    expect(await eventually(() => eventsOf(sendId, 'Consent Updated')[1])).toMatchObject({ properties: { decision: 'granted', source: 'preferences-page' } });
  });

  test('a forged or changed link is refused, and leads nowhere', async () => {
    const { unsubscribe, click, pixel, preferences } = await aMail();
    for (const url of [unsubscribe, preferences, click, pixel]) {
      const at = url.length - 30;
      const changed = url.slice(0, at) + (url[at] === 'A' ? 'B' : 'A') + url.slice(at + 1);
      const answer = await fetch(changed, { method: url === unsubscribe ? 'POST' : 'GET', redirect: 'manual' });
      expect(answer.status).toBe(404);
      expect(answer.headers.get('location')).toBeNull();
    }
    expect((await fetch(unsubscribe.replace('/u/', '/p/'))).status).toBe(404);
    expect((await fetch(`${base}/u/x`, { method: 'POST' })).status).toBe(404);
    expect((await fetch(`${base}/c/${'x'.repeat(2_000)}?url=https://evil.example`, { redirect: 'manual' })).status).toBe(404);
  });
});

describe('decisions over HTTP', () => {
  test('are listed newest first, page by page, by profile and by automation', async () => {
    const { profileId, segment } = await aMail();
    for (const sequence of [2, 3, 4, 5]) await change(profileId, { segment, sequence });
    await eventually(async () => ((await sendsOf(profileId)).length === 5 ? true : undefined));
    const pages: number[][] = [];
    for (let cursor: unknown = ''; cursor !== null && pages.length < 9; ) {
      const { body } = await call('GET', `/v1/sends?automation=${segment}&limit=2&cursor=${String(cursor)}`);
      pages.push((body['sends'] as unknown as { changeSequence: number }[]).map(({ changeSequence }) => changeSequence));
      cursor = body['cursor'];
    }
    expect(pages.flat().toSorted()).toEqual([1, 2, 3, 4, 5]);
    expect((await call('GET', '/v1/sends?profile=email:nobody@a.example')).status).toBe(404);
    expect((await call('GET', '/v1/sends?limit=0')).status).toBe(400);
    expect((await call('GET', '/v1/sends?cursor=nonsense')).status).toBe(400);
  });

  test('a claim that nobody woke the sender for is found all the same', async () => {
    const { profileId, segment } = await aMail();
    const { rows } = await database.pool.query<{ id: string; template: string }>('select id, template from delivery.automations where key = $1', [segment]);
    const { id, template } = rows[0] as { id: string; template: string };
    const claim = { workspace: WORKSPACE, automationId: id, automation: segment, template, purpose: 'email_marketing', once: false, includeExisting: false, profileId, changeSequence: 9, effectiveMs: 1, change: { segment, change: 'entered' as const, cause: 'event' as const, effectiveAt: new Date(1).toISOString() } };
    await database.commit([insertClaims([claim], Date.now())]);
    expect(await eventually(async () => (await sendsOf(profileId)).find(({ changeSequence }) => changeSequence === 9))).toMatchObject({ reason: 'sent' });
  }, 15_000);
});
