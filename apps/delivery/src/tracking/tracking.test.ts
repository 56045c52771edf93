import { messagesSent } from '@tributary/contracts/topics/messages-sent';
import { DeliveryApp, eventually } from '../testing/create-delivery-app.js';
import { WORKSPACE } from '../testing/delivery-database.js';

const BROWSER = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36' };

let app: DeliveryApp;

beforeAll(async () => {
  app = await DeliveryApp.start();
}, 60_000);

afterAll(() => app.stop());

describe('what people do with a mail', () => {
  test('decisions, opens, clicks and refusals are told to the log', async () => {
    const { sendId, profileId, click, pixel } = await app.aMail();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const picture = await fetch(pixel, { headers: BROWSER });
    expect([picture.status, picture.headers.get('content-type'), picture.headers.get('cache-control')]).toEqual([200, 'image/gif', 'no-store']);
    const followed = await fetch(click, { headers: BROWSER, redirect: 'manual' });
    expect([followed.status, followed.headers.get('location'), followed.headers.get('referrer-policy'), followed.headers.get('cache-control')]).toEqual([302, 'https://shop.example/go?a=1&b=%C3%BC', 'no-referrer', 'no-store']);
    await eventually(() => app.eventsOf(sendId, 'Email Link Clicked')[0]);
    expect(app.eventsOf(sendId, 'Email Delivered')).toMatchObject([{ type: 'track', messageId: `delivered:${sendId}`, properties: { email_id: sendId } }]);
    expect(app.eventsOf(sendId, 'Email Opened')).toEqual([expect.objectContaining({ properties: expect.not.objectContaining({ machine: true }) })]);
    expect(app.eventsOf(sendId, 'Email Link Clicked')).toMatchObject([{ properties: { email_id: sendId, link_url: 'https://shop.example/go?a=1&b=ü' } }]);
    const record = app.told.find(({ topic, value }) => topic === messagesSent.name && value['id'] === sendId);
    expect(record).toMatchObject({ headers: { workspace: WORKSPACE }, value: { profileId, decision: 'sent', reason: 'sent', changeSequence: 1 } });
    const internal = app.told.find(({ value }) => value['messageId'] === `delivered:${sendId}`);
    expect(internal?.headers).toMatchObject({ 'profile-id': profileId, 'internal-signature': expect.stringMatching(/.{20}/) });
  });

  test('a scanner is marked as one', async () => {
    const { sendId, click, pixel } = await app.aMail();
    await fetch(click, { headers: BROWSER, redirect: 'manual' });
    await fetch(pixel, { method: 'HEAD', headers: BROWSER });
    await fetch(pixel, { headers: { 'user-agent': 'Mozilla/5.0' } });
    await eventually(() => app.eventsOf(sendId, 'Email Opened')[0]);
    expect(await eventually(() => app.eventsOf(sendId, 'Email Link Clicked')[0])).toMatchObject({ properties: { machine: true, machine_reason: 'too_fast' } });
    expect(app.eventsOf(sendId, 'Email Opened').every(({ properties }) => (properties as { machine?: boolean }).machine === true)).toBe(true);
  });

  test('GET on the unsubscribe link changes nothing, a hundred times', async () => {
    const { sendId, profileId, segment, unsubscribe } = await app.aMail();
    for (let times = 0; times < 100; times += 1) expect((await fetch(unsubscribe)).status).toBe(200);
    expect((await fetch(unsubscribe, { method: 'HEAD' })).status).toBe(200);
    const page = await fetch(unsubscribe);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await page.text()).toMatch(/<form method="post">/);
    await app.change(profileId, { segment, sequence: 2 });
    await eventually(async () => (await app.sendsOf(profileId))[1]);
    expect((await app.sendsOf(profileId))[0]).toMatchObject({ reason: 'sent', changeSequence: 2 });
    expect(app.eventsOf(sendId, 'Unsubscribed')).toEqual([]);
  });

  test.each([
    ['one click of a mail program', new URLSearchParams({ 'List-Unsubscribe': 'One-Click' })],
    ['a multipart form', new FormData()],
    ['an empty body', null],
  ])('POST by %s unsubscribes at once', async (_, body) => {
    const { sendId, profileId, segment, unsubscribe } = await app.aMail();
    if (body instanceof FormData) body.set('List-Unsubscribe', 'One-Click');
    const answer = await fetch(unsubscribe, { method: 'POST', redirect: 'manual', body });
    expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining('You are unsubscribed')]);
    await app.change(profileId, { segment, sequence: 2 });
    await eventually(async () => (await app.sendsOf(profileId))[1]);
    expect((await app.sendsOf(profileId))[0]).toMatchObject({ reason: 'suppressed', changeSequence: 2 });
    await eventually(() => app.eventsOf(sendId, 'Unsubscribed')[0]);
    expect(await eventually(() => app.eventsOf(sendId, 'Consent Updated')[0])).toMatchObject({ properties: { purpose: 'email_marketing', decision: 'withdrawn', source: 'unsubscribe-link', textVersion: expect.any(String) } });
  });

  test('the preferences page takes back what was a mistake', async () => {
    const { sendId, preferences } = await app.aMail();
    const choose = async (choice: string) => (await fetch(preferences, { method: 'POST', body: new URLSearchParams({ choice }) })).status;
    expect(await (await fetch(preferences)).text()).toContain('You are subscribed');
    expect(await choose('unsubscribe')).toBe(200);
    expect(await (await fetch(preferences)).text()).toContain('You are unsubscribed');
    expect(await choose('subscribe')).toBe(200);
    expect(await (await fetch(preferences)).text()).toContain('You are subscribed');
    expect(await choose('nonsense')).toBe(400);
    expect(await eventually(() => app.eventsOf(sendId, 'Consent Updated')[1])).toMatchObject({ properties: { decision: 'granted', source: 'preferences-page' } });
  });

  test('a forged or changed link is refused, and leads nowhere', async () => {
    const { unsubscribe, click, pixel, preferences } = await app.aMail();
    for (const url of [unsubscribe, preferences, click, pixel]) {
      const at = url.length - 30;
      const changed = url.slice(0, at) + (url[at] === 'A' ? 'B' : 'A') + url.slice(at + 1);
      const answer = await fetch(changed, { method: url === unsubscribe ? 'POST' : 'GET', redirect: 'manual' });
      expect(answer.status).toBe(404);
      expect(answer.headers.get('location')).toBeNull();
    }
    expect((await fetch(unsubscribe.replace('/u/', '/p/'))).status).toBe(404);
    expect((await fetch(`${app.base}/u/x`, { method: 'POST' })).status).toBe(404);
    expect((await fetch(`${app.base}/c/${'x'.repeat(2_000)}?url=https://evil.example`, { redirect: 'manual' })).status).toBe(404);
  });
});
