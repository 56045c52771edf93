import { connect } from 'node:net';
import { createTransport } from 'nodemailer';
import type { CaughtMail } from './caught-mail.js';
import { MailStore } from './mail-store.memory.js';
import { Mailbox } from './mailbox.js';

let mailbox: Mailbox;
let base: string;
let smtpPort: number;

beforeAll(async () => {
  mailbox = new Mailbox({ host: '127.0.0.1', httpPort: 0, smtpPort: 0 });
  const ports = await mailbox.start();
  base = `http://127.0.0.1:${ports.httpPort}`;
  smtpPort = ports.smtpPort;
});

afterAll(() => mailbox.stop());

async function send(over: object): Promise<void> {
  const transport = createTransport({ host: '127.0.0.1', port: smtpPort });
  await transport.sendMail({ from: 'Shop <mail@shop.example>', to: 'ann@a.example', subject: 'Hi', text: 'plain', html: '<p>rich</p>', ...over });
  transport.close();
}

const messages = async (query = ''): Promise<CaughtMail[]> => (await (await fetch(`${base}/api/messages${query}`)).json()) as CaughtMail[];

describe('the mailbox', () => {
  test('is empty and ready at the start', async () => {
    expect(await messages()).toEqual([]);
    expect((await fetch(`${base}/health/ready`)).status).toBe(200);
  });

  test('shows a mail in all its parts', async () => {
    await send({ subject: 'Grüße 🎉', to: ['Ann <ann@a.example>', 'bob@b.example'], bcc: 'hidden@c.example', headers: { 'X-Many': 'y'.repeat(200), 'List-Unsubscribe': '<https://x.example/u>' }, amp: '<!doctype html><html ⚡4email></html>' });
    const [mail] = await messages();
    expect(mail).toMatchObject({ to: ['ann@a.example', 'bob@b.example', 'hidden@c.example'], from: 'mail@shop.example', subject: 'Grüße 🎉', text: 'plain', html: '<p>rich</p>', amp: '<!doctype html><html ⚡4email></html>' });
    expect(mail?.receivedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(mail?.headers['list-unsubscribe']).toBe('<https://x.example/u>');
    expect(mail?.headers['x-many']).toBe('y'.repeat(200));
    expect(mail?.headerList.map(([name]) => name)).toEqual(expect.arrayContaining(['From', 'To', 'X-Many', 'Message-ID']));
    expect(mail?.raw).toMatch(/^From: |\r?\nFrom: /);
  });

  test('finds by recipient and by time, newest first', async () => {
    await send({ subject: 'older', to: 'find@a.example' });
    const betweenMs = Date.now() + 1;
    await new Promise((resolve) => setTimeout(resolve, 5));
    await send({ subject: 'newer', to: 'FIND@a.example' });
    expect((await messages('?to=find@a.example')).map(({ subject }) => subject)).toEqual(['newer', 'older']);
    expect((await messages(`?to=find@a.example&since=${new Date(betweenMs).toISOString()}`)).map(({ subject }) => subject)).toEqual(['newer']);
    expect(await messages('?to=nobody@a.example')).toEqual([]);
    expect((await fetch(`${base}/api/messages?since=soon`)).status).toBe(400);
  });

  test('shows a page with what came, and a mail in a frame that can do nothing', async () => {
    await send({ subject: '<script>alert(1)</script>', html: '<script>alert(2)</script><p>rich</p>' });
    const page = await (await fetch(base)).text();
    expect(page).toContain('&lt;script&gt;alert(1)');
    expect(page).not.toContain('<script>');
    const [mail] = await messages();
    const shown = await (await fetch(`${base}/messages/${mail?.id}`)).text();
    expect(shown).toContain('<iframe sandbox="allow-popups allow-popups-to-escape-sandbox"');
    expect(shown).not.toContain('<script>');
    const html = await fetch(`${base}/messages/${mail?.id}/html`);
    expect(html.headers.get('content-security-policy')).toMatch(/default-src 'none'.*sandbox/);
    expect((await fetch(`${base}/messages/nothing`)).status).toBe(404);
  });

  test('answers only under the names of this machine', async () => {
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(Number(new URL(base).port), '127.0.0.1', () => socket.write('GET /api/messages HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n'));
      socket.once('data', (bytes) => resolve(bytes.toString()));
    });
    expect(answer).toMatch(/^HTTP\/1\.1 400/);
  });

  test('forgets on request', async () => {
    expect((await fetch(`${base}/api/messages`, { method: 'DELETE' })).status).toBe(204);
    expect(await messages()).toEqual([]);
  });

  test('takes a thousand mails at once and shows every one', async () => {
    const transport = createTransport({ host: '127.0.0.1', port: smtpPort, pool: true, maxConnections: 8 });
    await Promise.all(Array.from({ length: 1_000 }, (_, index) => transport.sendMail({ from: 'a@a.example', to: 'many@a.example', subject: String(index), text: 'x'.repeat(2_000) })));
    transport.close();
    expect(new Set((await messages('?to=many@a.example')).map(({ subject }) => subject)).size).toBe(1_000);
  }, 30_000);
});

test('the store keeps the newest 5,000 mails', () => {
  const store = new MailStore();
  for (let id = 0; id < 5_003; id += 1) {
    store.add({ id: String(id), to: [], from: '', subject: '', receivedAt: new Date(id).toISOString(), headers: {}, headerList: [], text: null, html: null, amp: null, raw: 'x' });
  }
  expect([store.list().length, store.list()[0]?.id, store.list().at(-1)?.id]).toEqual([5_000, '5002', '3']);
});
