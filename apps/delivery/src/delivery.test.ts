import { createHash, randomUUID } from 'node:crypto';
import { insertClaims } from './sends/claim.js';
import { DeliveryApp, eventually, TEMPLATE } from './testing/create-delivery-app.js';
import { WORKSPACE } from './testing/delivery-database.js';

let app: DeliveryApp;

beforeAll(async () => {
  app = await DeliveryApp.start();
}, 60_000);

afterAll(() => app.stop());

describe('templates over HTTP', () => {
  test('are made, read, listed, replaced and deleted', async () => {
    const key = `t-${randomUUID()}`;
    const made = await app.call('POST', '/v1/templates', { key, ...TEMPLATE });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ key, ...TEMPLATE, text: null, required: [], version: 1, warnings: [] });
    expect((await app.call('POST', '/v1/templates', { key, ...TEMPLATE })).status).toBe(409);
    expect((await app.call('GET', `/v1/templates/${key}`)).body).toEqual(made.body);
    const replaced = await app.call('PUT', `/v1/templates/${key}`, { ...TEMPLATE, subject: 'Ho' });
    expect(replaced.body).toMatchObject({ version: 2, subject: 'Ho' });
    expect(((await app.call('GET', '/v1/templates?limit=1000')).body['templates'] as { key: string }[]).map((template) => template.key)).toContain(key);
    expect((await app.call('DELETE', `/v1/templates/${key}`)).status).toBe(204);
    expect((await app.call('GET', `/v1/templates/${key}`)).status).toBe(404);
    expect((await app.call('PUT', `/v1/templates/${key}`, TEMPLATE)).status).toBe(404);
  });

  test('are listed page by page', async () => {
    for (const letter of ['a', 'b', 'c']) await app.call('POST', '/v1/templates', { key: `0-page-${letter}`, ...TEMPLATE });
    const first = await app.call('GET', '/v1/templates?limit=2');
    expect((first.body['templates'] as { key: string }[]).map(({ key }) => key)).toEqual(['0-page-a', '0-page-b']);
    const second = await app.call('GET', `/v1/templates?limit=2&cursor=${String(first.body['cursor'])}`);
    expect((second.body['templates'] as { key: string }[])[0]?.key).toBe('0-page-c');
  });

  test.each([
    ['an unknown field', { colour: 'red' }, '/colour', 'unknown_field'],
    ['a wrong language', { language: 'php' }, '/language', 'is_in'],
    ['a wrong key', { key: 'Not A Key' }, '/key', 'matches'],
    ['a fault in the body', { body: '{% if %}' }, '/body', 'template_error'],
    ['a required path that leads nowhere', { required: ['secrets.key'] }, '/required', 'matches'],
  ])('with %s are refused with its place', async (_, over, pointer, code) => {
    const { status, body } = await app.call('POST', '/v1/templates', { key: `t-${randomUUID()}`, ...TEMPLATE, ...over });
    expect(status).toBe(422);
    expect(body).toMatchObject({ code: 'refused', errors: [expect.objectContaining({ pointer, code })] });
  });

  test('are shown for a person, with links that do nothing', async () => {
    const key = `t-${randomUUID()}`;
    await app.call('POST', '/v1/templates', { key, ...TEMPLATE, required: ['profile.plan'] });
    await app.database.addPerson({ email: 'preview@a.example', traits: { firstName: 'Pia' } });
    const { status, body } = await app.call('POST', `/v1/templates/${key}/preview`, { profile: 'email:preview@a.example' });
    expect(status).toBe(200);
    expect(body).toMatchObject({ subject: 'Hi Pia', preheader: 'For you', missing: ['profile.plan'], warnings: [] });
    expect(body['html']).toContain('href="https://shop.example/go');
    const preferences = /href="[^"]*(\/p\/[^"]*)"/.exec(String(body['html']))?.[1] ?? '';
    const page = await fetch(app.base + preferences, { method: 'POST' });
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('This is a preview')]);
    expect((await app.call('POST', `/v1/templates/${key}/preview`, { profile: 'email:nobody@a.example' })).status).toBe(404);
  });

  test('belong to a workspace, and need its key', async () => {
    expect((await app.call('GET', '/v1/templates', undefined, 'wrong')).status).toBe(401);
    expect((await fetch(`${app.base}/v1/templates`)).status).toBe(401);
    const otherKey = `other_${randomUUID()}`;
    await app.database.pool.query(`insert into ingestion.keys values ($1, 'admin', 'ws_2', null, true)`, [createHash('sha256').update(otherKey).digest()]);
    const key = `t-${randomUUID()}`;
    await app.call('POST', '/v1/templates', { key, ...TEMPLATE });
    expect((await app.call('GET', `/v1/templates/${key}`, undefined, otherKey)).status).toBe(404);
    expect((await app.call('POST', '/v1/automations', { key, segment: 'vip', on: 'entered', template: key, purpose: 'email_marketing' }, otherKey)).body).toMatchObject({ errors: [{ pointer: '/template', code: 'unknown_template' }] });
  });
});

describe('automations over HTTP', () => {
  test('are made, read, replaced and deleted; their template stays while they use it', async () => {
    const key = `a-${randomUUID()}`;
    await app.call('POST', '/v1/templates', { key, ...TEMPLATE });
    const content = { segment: 'vip', on: 'entered', template: key, purpose: 'email_marketing' };
    const made = await app.call('POST', '/v1/automations', { key, ...content });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ key, ...content, once: false, includeExisting: false });
    expect((await app.call('POST', '/v1/automations', { key, ...content })).status).toBe(409);
    expect((await app.call('PUT', `/v1/automations/${key}`, { ...content, once: true })).body).toMatchObject({ once: true });
    expect((await app.call('PUT', `/v1/automations/${key}`, { ...content, template: 'nothing' })).status).toBe(422);
    expect((await app.call('DELETE', `/v1/templates/${key}`)).body).toMatchObject({ status: 409, code: 'in_use' });
    expect((await app.call('DELETE', `/v1/automations/${key}`)).status).toBe(204);
    expect((await app.call('GET', `/v1/automations/${key}`)).status).toBe(404);
    expect((await app.call('DELETE', `/v1/templates/${key}`)).status).toBe(204);
  });

  test('with includeExisting write to those who are in the segment, once', async () => {
    const key = `a-${randomUUID()}`;
    await app.call('POST', '/v1/templates', { key, ...TEMPLATE });
    const member = await app.database.addPerson({ segments: [key] });
    await app.call('POST', '/v1/automations', { key, segment: key, on: 'entered', template: key, purpose: 'email_marketing', includeExisting: true });
    expect(await eventually(async () => (await app.sendsOf(member))[0])).toMatchObject({ reason: 'sent', changeSequence: null });
    // The record of the very entry that the list of members had already shown.
    await app.change(member, { segment: key, effectiveAt: new Date(1_000).toISOString(), sequence: 3 });
    await app.change(member, { segment: key, effectiveAt: new Date(5_000).toISOString(), sequence: 5 });
    await eventually(async () => (await app.sendsOf(member))[1]);
    expect((await app.sendsOf(member)).map(({ changeSequence }) => changeSequence)).toEqual([5, null]);
  });

  test('act on nothing from before them', async () => {
    const key = `a-${randomUUID()}`;
    await app.call('POST', '/v1/templates', { key, ...TEMPLATE });
    const profileId = await app.database.addPerson();
    const before = new Date().toISOString();
    await app.call('POST', '/v1/automations', { key, segment: key, on: 'entered', template: key, purpose: 'email_marketing' });
    await app.change(profileId, { segment: key, processedAt: new Date(Date.parse(before) - 1).toISOString(), sequence: 1 });
    await app.change(profileId, { segment: key, cause: 'backfill', sequence: 2 });
    await app.change(profileId, { segment: key, sequence: 3 });
    await eventually(async () => (await app.sendsOf(profileId))[0]);
    expect((await app.sendsOf(profileId)).map(({ changeSequence }) => changeSequence)).toEqual([3]);
  });
});

describe('decisions over HTTP', () => {
  test('are listed newest first, page by page, by profile and by automation', async () => {
    const { profileId, segment } = await app.aMail();
    for (const sequence of [2, 3, 4, 5]) await app.change(profileId, { segment, sequence });
    await eventually(async () => ((await app.sendsOf(profileId)).length === 5 ? true : undefined));
    const pages: number[][] = [];
    for (let cursor: unknown = ''; cursor !== null && pages.length < 9; ) {
      const { body } = await app.call('GET', `/v1/sends?automation=${segment}&limit=2&cursor=${String(cursor)}`);
      pages.push((body['sends'] as { changeSequence: number }[]).map(({ changeSequence }) => changeSequence));
      cursor = body['cursor'];
    }
    expect(pages.flat().toSorted()).toEqual([1, 2, 3, 4, 5]);
    expect((await app.call('GET', '/v1/sends?profile=email:nobody@a.example')).status).toBe(404);
    expect((await app.call('GET', '/v1/sends?limit=0')).status).toBe(400);
    expect((await app.call('GET', '/v1/sends?cursor=nonsense')).status).toBe(400);
  });

  test('a claim that nobody woke the sender for is found all the same', async () => {
    const { profileId, segment } = await app.aMail();
    const { rows } = await app.database.pool.query<{ id: string; template: string }>('select id, template from delivery.automations where key = $1', [segment]);
    const { id, template } = rows[0] as { id: string; template: string };
    const claim = { workspace: WORKSPACE, automationId: id, automation: segment, template, purpose: 'email_marketing', once: false, includeExisting: false, profileId, changeSequence: 9, effectiveMs: 1, change: { segment, change: 'entered' as const, cause: 'event' as const, effectiveAt: new Date(1).toISOString() } };
    await app.database.commit([insertClaims([claim], Date.now())]);
    expect(await eventually(async () => (await app.sendsOf(profileId)).find(({ changeSequence }) => changeSequence === 9))).toMatchObject({ reason: 'sent' });
  }, 15_000);
});
