import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { workspace } from '../../tools/preflight.mjs';
import { aUser, System, track } from './system.ts';

jest.setTimeout(180_000);

interface ParkedRecord {
  readonly offset: string;
  readonly value: string;
  readonly headers: { readonly [name: string]: string };
}

let system: System;

beforeAll(async () => {
  system = await System.start();
  await system.defineSegment('once', { rule: { performed: 'Clicked', within: '1h' } });
  await system.defineSegment('twice', { rule: { performed: 'Clicked', within: '1h', count: { op: 'gte', value: 2 } } });
});

afterAll(async () => {
  await system?.stop();
});

/** The one parked record whose bytes hold the text. */
async function findParked(topic: string, text: string): Promise<ParkedRecord> {
  const found: ParkedRecord[] = [];
  const consumer = system.kafka.consumer({ groupId: `e2e-parked-${randomUUID()}` });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({ eachMessage: async ({ message: { offset, value, headers = {} } }) => {
    if (String(value).includes(text)) found.push({ offset, value: String(value), headers: Object.fromEntries(Object.entries(headers).map(([name, bytes]) => [name, String(bytes)])) });
  } });
  await system.until(`a record of ${topic}`, async () => found.length > 0);
  await consumer.disconnect();
  expect(found).toHaveLength(1);
  return found[0] as ParkedRecord;
}

/** `npm run replay` as an operator would call it, with repaired bodies by offset. */
async function replay(topic: string, repaired: object): Promise<string> {
  const edits = join(system.stack.dir, 'repaired.json');
  writeFileSync(edits, JSON.stringify(repaired));
  const { stdout } = await promisify(execFile)('npm', ['run', '--silent', 'replay', '--', '--topic', topic, '--edit', edits], { cwd: workspace, env: { ...process.env, ...system.stack.env } });
  return stdout;
}

async function expectOnce(user: string): Promise<void> {
  await system.until('its effect', async () => (await system.segmentsOf(`userId:${user}`)).includes('once'));
  await system.quiet();
  expect(await system.segmentsOf(`userId:${user}`)).toEqual(['once']);
}

it('what the front door set aside is repaired, sent through again, and takes effect once', async () => {
  const user = aUser();
  await system.publishRaw(`{"type": "track", "event": "Clicked", "userId": "${user}", `, { 'write-key': system.credentials.writeKey });
  const { offset, headers } = await findParked('ingestion.parked', user);
  expect(headers).toMatchObject({ stage: 'ingestion', reason: 'malformed_json', 'origin-topic': 'inbound.events' });
  const repaired = { [offset]: { type: 'track', event: 'Clicked', userId: user } };
  expect(await replay('ingestion.parked', repaired)).toContain('1 of 1 records sent through again');
  await expectOnce(user);
  // Whoever is not sure whether it was done does it again.
  await replay('ingestion.parked', repaired);
  await expectOnce(user);
});

it('what a later stage set aside likewise, also when its source sends it again', async () => {
  const user = aUser();
  const event = track(user, 'Clicked', { timestamp: '0001-01-01T00:00:00.000Z' });
  await system.publish([event]);
  const { offset, value, headers } = await findParked('cleansing.parked', user);
  expect(headers).toMatchObject({ stage: 'cleansing', reason: 'implausible_time', 'origin-topic': 'events.consented' });
  const repaired = { [offset]: { ...(JSON.parse(value) as object), timestamp: new Date().toISOString() } };
  await replay('cleansing.parked', repaired);
  await expectOnce(user);
  await replay('cleansing.parked', repaired);
  await system.publish([event]);
  await expectOnce(user);
});
