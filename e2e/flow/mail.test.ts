import { aUser, identify, LAYOUT, type Mail, sleep, System, track } from './system.ts';

jest.setTimeout(180_000);

let system: System;

const TEMPLATE = {
  key: 'hello', name: 'Hello', format: 'mjml', language: 'liquid', subject: 'Hello {{ profile.firstName }}', preheader: 'Good to see you',
  body: '<mjml><mj-body><mj-section><mj-column><mj-text>Dear {{ profile.firstName }}</mj-text><mj-button href="https://shop.example.com/cart">Go on</mj-button><mj-text><a href="{{ unsubscribe_url }}">Unsubscribe</a></mj-text></mj-column></mj-section></mj-body></mjml>',
};

beforeAll(async () => {
  system = await System.start();
  await system.defineSegment('welcome', { rule: { performed: 'Signed Up', within: '1h' } });
  await system.defineSegment('engaged', { rule: { score: 'engagement', op: 'gte', value: 40 } });
  expect((await system.call('delivery', 'POST', '/v1/templates', TEMPLATE)).status).toBe(201);
  expect((await system.call('delivery', 'POST', '/v1/automations', { key: 'welcome', segment: 'welcome', on: 'entered', template: 'hello', purpose: 'email_marketing' })).status).toBe(201);
});

afterAll(async () => {
  await system?.stop();
});

async function aPerson(consent: 'granted' | 'withdrawn'): Promise<{ user: string; email: string }> {
  const user = aUser();
  const email = `${user}@example.com`;
  await system.collect([identify(user, { email, firstName: 'Ada <b>' })]);
  await system.until('the person', async () => (await system.call('scoring', 'GET', `/v1/profiles/userId:${user}`)).status === 200);
  const receipt = await system.call('consent', 'POST', '/v1/consents', { profile: `userId:${user}`, purpose: 'email_marketing', decision: consent, source: 'test', textVersion: '1' });
  expect(receipt.status).toBe(201);
  return { user, email };
}

it('an entry becomes a personalized mail; an open and a click come back in and move the score', async () => {
  const { user, email } = await aPerson('granted');
  await system.collect([track(user, 'Signed Up')]);
  const mail: Mail = await system.until('the mail', async () => (await system.mailsTo(email))[0]);
  expect(mail.subject).toBe('Hello Ada <b>');
  expect(mail.html).toContain('Dear Ada &lt;b&gt;');
  expect(mail.headers['list-unsubscribe-post']).toBe('List-Unsubscribe=One-Click');
  const pixel = /src="([^"]*\/o\/[^"]+)"/.exec(mail.html)?.[1] as string;
  const link = /href="([^"]*\/c\/[^"]+)"/.exec(mail.html)?.[1] as string;
  await sleep(2_500);
  expect((await fetch(pixel, { headers: { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36' } })).status).toBe(200);
  const clicked = await fetch(link, { redirect: 'manual', headers: { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36' } });
  expect(clicked.status).toBe(302);
  expect(clicked.headers.get('location')).toBe('https://shop.example.com/cart');
  await system.until('the score to move', async () => (await system.segmentsOf(`userId:${user}`)).includes('engaged'));
  const { body } = await system.call('scoring', 'GET', `/v1/profiles/userId:${user}`);
  expect(body['scores']).toEqual({ engagement: 70 });
});

it('without consent nothing is sent, and the reason is told', async () => {
  const { user, email } = await aPerson('withdrawn');
  await system.collect([track(user, 'Signed Up')]);
  const send = await system.until('the decision', async () => ((await system.call('delivery', 'GET', `/v1/sends?profile=userId:${user}`)).body['sends'] as unknown as { decision: string; reason: string }[] | undefined)?.[0]);
  expect(send).toMatchObject({ decision: 'not_sent', reason: 'no_consent' });
  expect(await system.mailsTo(email)).toEqual([]);
});

it('a withdrawal between entering and sending stops the mail', async () => {
  const { user, email } = await aPerson('granted');
  const delivery = system.stack.process('delivery');
  delivery.pause();
  try {
    await system.collect([track(user, 'Signed Up')]);
    // Where segmentation shares the process it stands still, too: then both find the withdrawal when they go on.
    if (LAYOUT === 'services') await system.until('the entry', async () => (await system.segmentsOf(`userId:${user}`)).includes('welcome'));
    const { status } = await system.call('consent', 'POST', '/v1/consents', { profile: `userId:${user}`, purpose: 'email_marketing', decision: 'withdrawn', source: 'test', textVersion: '1' });
    expect(status).toBe(201);
  } finally {
    delivery.resume();
  }
  const send = await system.until('the decision', async () => ((await system.call('delivery', 'GET', `/v1/sends?profile=userId:${user}`)).body['sends'] as unknown as { reason: string }[] | undefined)?.[0]);
  expect(send.reason).toBe('no_consent');
  expect(await system.mailsTo(email)).toEqual([]);
});

it('one click unsubscribes: a GET changes nothing, the POST is at once in force', async () => {
  const { user, email } = await aPerson('granted');
  await system.collect([track(user, 'Signed Up')]);
  const mail: Mail = await system.until('the mail', async () => (await system.mailsTo(email))[0]);
  const link = /<(https?:[^>]+)>/.exec(mail.headers['list-unsubscribe'] as string)?.[1] as string;
  expect((await fetch(link)).status).toBe(200);
  const consents = async () => (await system.call('consent', 'GET', `/v1/profiles/userId:${user}/consents`)).body['current'] as unknown as { email_marketing: { decision: string } };
  expect((await consents()).email_marketing.decision).toBe('granted');
  expect((await fetch(link, { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'List-Unsubscribe=One-Click' })).status).toBe(200);
  await system.until('the withdrawal in the ledger', async () => (await consents()).email_marketing.decision === 'withdrawn');
  const forged = `${link.slice(0, -2)}${link.endsWith('AA') ? 'BB' : 'AA'}`;
  expect((await fetch(forged, { method: 'POST' })).status).toBeGreaterThanOrEqual(400);
});

it('events of a person who withdrew tracking get no further than the gate', async () => {
  const { user } = await aPerson('granted');
  await system.call('consent', 'POST', '/v1/consents', { profile: `userId:${user}`, purpose: 'behavioural_tracking', decision: 'withdrawn', source: 'test', textVersion: '1' });
  await system.collect([track(user, 'Signed Up')]);
  await system.quiet();
  expect(await system.segmentsOf(`userId:${user}`)).not.toContain('welcome');
});
