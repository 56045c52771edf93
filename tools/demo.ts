// npm run demo [-- --live] [--speed 2000] [--days 3]
// Loads the demo: segments, templates, an automation, and three months of real shopping, with dates moved to now. With
// --live the last days are not loaded but replayed, `speed` times as fast as they happened.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { demoAutomation, demoSegments } from './demo/demo-segments.ts';
import { type DemoEvent, readJourney } from './demo/read-journey.ts';
import { readTemplates } from './demo/read-templates.ts';
import { workspace as root } from './preflight.mjs';

const { values: options } = parseArgs({ options: { live: { type: 'boolean', default: false }, speed: { type: 'string', default: '2000' }, days: { type: 'string', default: '7' } } });
const credentials = JSON.parse(readFileSync(process.env['TRIBUTARY_CREDENTIALS'] ?? join(root, '.local', 'credentials.json'), 'utf8')) as { writeKey: string; adminKey: string };
const url = (service: string, port: number): string => `http://127.0.0.1:${process.env[`${service}_PORT`] ?? port}`;
const BATCH = 200;
const DAY_MS = 86_400_000;

if (options.live) await replay();
else await load();

async function load(): Promise<void> {
  for (const segment of demoSegments) await define(`${url('SEGMENTATION', 3005)}/v1/segments`, segment);
  for (const template of readTemplates()) await define(`${url('DELIVERY', 3006)}/v1/templates`, template);
  await define(`${url('DELIVERY', 3006)}/v1/automations`, demoAutomation);
  const events = readJourney(Date.now());
  await send(events);
  // Half of the households agreed to mail: without that, consent stops every send, as it should.
  const people = events.filter(({ message }) => message.type === 'identify');
  await send(people.filter((_, index) => index % 2 === 0).map(({ message }) => ({
    atMs: Date.now(),
    message: { type: 'track', event: 'Consent Updated', messageId: `demo-consent-${message.userId}`, userId: message.userId, timestamp: new Date().toISOString(), properties: { purpose: 'email_marketing', decision: 'granted', source: 'demo', textVersion: '1' } },
  })));
  console.log(`demo: ${people.length} households, ${events.length} events, ${demoSegments.length} segments`);
}

/** The journey's last days again, as new visits, faster than they happened. */
async function replay(): Promise<void> {
  const speed = Number(options.speed);
  const now = Date.now();
  const fromMs = now - Number(options.days) * DAY_MS;
  const events = readJourney(now).filter(({ atMs, message }) => atMs >= fromMs && message.type !== 'identify');
  console.log(`replaying ${events.length} events of ${options.days} days at ${speed} times their speed; Ctrl-C ends it`);
  for (const { atMs, message } of events) {
    const dueMs = now + (atMs - fromMs) / speed;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - Date.now())));
    await send([{ atMs: dueMs, message: { ...message, messageId: `${message.messageId}-live-${now}`, timestamp: new Date(dueMs).toISOString() } }]);
  }
}

async function send(events: readonly DemoEvent[]): Promise<void> {
  for (let from = 0; from < events.length; from += BATCH) {
    const batch = events.slice(from, from + BATCH).map(({ message }) => message);
    const answer = await post(`${url('INGESTION', 3001)}/v1/batch`, `Basic ${Buffer.from(`${credentials.writeKey}:`).toString('base64')}`, { batch });
    const errors = (answer.body as { errors?: { message: string }[] }).errors ?? [];
    if (answer.status !== 200 || errors.length > 0) throw new Error(`the collector refused the demo: ${answer.status} ${errors[0]?.message ?? ''}`);
  }
}

/** Defined already: left as it is. */
async function define(address: string, body: object): Promise<void> {
  const answer = await post(address, `Bearer ${credentials.adminKey}`, body);
  if (answer.status !== 201 && answer.status !== 409) throw new Error(`${address} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
}

async function post(address: string, authorization: string, body: object): Promise<{ status: number; body: unknown }> {
  const response = await fetch(address, { method: 'POST', headers: { authorization, 'content-type': 'application/json' }, body: JSON.stringify(body) });
  return { status: response.status, body: await response.json().catch(() => ({})) };
}
