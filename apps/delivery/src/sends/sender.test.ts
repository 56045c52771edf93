import { Mailbox } from '../mailbox/mailbox.js';
import { createDeliveryDatabase, type DeliveryDatabase, WORKSPACE } from '../testing/delivery-database.js';
import { aChange, DeliveryHarness } from '../testing/delivery-harness.js';
import type { Mail, MailProvider } from './mail-provider.js';
import { SendLoop } from './send-loop.js';
import { SmtpProvider } from './smtp-provider.js';

let database: DeliveryDatabase;
let delivery: DeliveryHarness;
let mailbox: Mailbox;
let provider: SmtpProvider;

beforeAll(async () => {
  database = await createDeliveryDatabase();
  delivery = await DeliveryHarness.open(database);
  mailbox = new Mailbox({ host: '127.0.0.1', httpPort: 0, smtpPort: 0 });
  const { smtpPort } = await mailbox.start();
  provider = new SmtpProvider({ url: `smtp://127.0.0.1:${smtpPort}`, from: 'Shop <mail@shop.example>', connectionsMax: 2 });
});

afterAll(async () => {
  provider.close();
  await mailbox.stop();
  await delivery.close();
  await database.drop();
});

async function sendAll(through: MailProvider = provider): Promise<void> {
  const { sender, lease } = await delivery.sender(through);
  while ((await sender.sendBatch()) > 0);
  lease.release();
}

const mailsTo = (address: string) => mailbox.store.list({ to: address });

/** Hands nothing over; runs `before` and answers as told. */
function aProvider(answer: (mail: Mail) => ReturnType<MailProvider['send']>): MailProvider & { readonly mails: Mail[] } {
  const mails: Mail[] = [];
  return {
    mails,
    send: (mail) => {
      mails.push(mail);
      return answer(mail);
    },
    close: () => undefined,
  };
}

describe('someone enters a segment', () => {
  test('and gets the mail, in every part as it should be', async () => {
    const template = await delivery.addTemplate({
      subject: 'Welcome {{ profile.firstName }}, {{ scores.engagement }} points', preheader: 'From {{ workspace.name }}',
      body: '<body><p>Hi {{ profile.firstName }} of {{ segments | join: "," }}, you did {{ event.name }} for {{ event.properties.total }}</p><a href="https://shop.example/x">Go</a></body>',
    });
    const automation = await delivery.addAutomation({ template, segment: 'all-parts' });
    const profileId = await database.addPerson({ email: 'ann@a.example', traits: { firstName: 'Ann <b>' }, scores: { engagement: 52_500_000 }, segments: ['all-parts'] });
    const event = { messageId: 'm1', name: 'Order Completed', timestamp: '2026-03-01T09:59:59.000Z' };
    await database.pool.query(`insert into scoring.history (workspace, profile_id, message_id, ts_ms, body) values ($1, $2, 'm1', $3, '{"properties":{"total":12.5}}')`, [WORKSPACE, profileId, Date.parse(event.timestamp)]);
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    await delivery.changeTraced(traceparent, aChange(profileId, { segment: 'all-parts', sequence: 7, reason: { nodes: [], event } }));
    await sendAll();

    const [mail, ...more] = mailsTo('ann@a.example');
    expect(more).toEqual([]);
    expect(mail).toMatchObject({ from: 'mail@shop.example', to: ['ann@a.example'], subject: 'Welcome Ann <b>, 52.5 points' });
    expect(mail?.html).toContain('Hi Ann &lt;b&gt; of all-parts, you did Order Completed for 12.5');
    expect(mail?.html).toContain('From Test shop');
    expect(mail?.text).toContain('Hi Ann <b> of all-parts, you did Order Completed for 12.5');
    const [decision] = await delivery.decisions(profileId);
    expect(decision).toMatchObject({ profileId, automation, template, decision: 'sent', reason: 'sent', changeSequence: 7 });
    expect(mail?.headers['message-id']).toBe(`<${decision?.id}@shop.example>`);
    const unsubscribe = delivery.links.of(decision?.id as string).unsubscribeUrl;
    expect(mail?.headerList.filter(([name]) => /^list-unsubscribe/i.test(name))).toEqual([['List-Unsubscribe', `<${unsubscribe}>`], ['List-Unsubscribe-Post', 'List-Unsubscribe=One-Click']]);
    expect(mail?.html).toContain(unsubscribe);
    expect(mail?.text).toContain(unsubscribe);

    await delivery.publish();
    const record = delivery.records.find(({ value }) => value?.includes(decision?.id as string));
    expect(JSON.parse(record?.value?.toString() ?? '')).toEqual(decision);
    expect(record).toMatchObject({ topic: 'messages.sent', headers: { workspace: WORKSPACE, 'schema-version': '1', traceparent } });
    expect(record?.key?.toString()).toBe(profileId);
    expect(delivery.inlet).toContainEqual(expect.objectContaining({ workspace: WORKSPACE, profileId, message: expect.objectContaining({ event: 'Email Delivered', messageId: `delivered:${decision?.id}`, properties: expect.objectContaining({ email_id: decision?.id }) }) }));
  });

  test('again, and gets it again; once with "once", and is told so', async () => {
    const often = await delivery.addAutomation({ segment: 'again' });
    const single = await delivery.addAutomation({ segment: 'again', once: true });
    const profileId = await database.addPerson({ email: 'again@a.example' });
    await delivery.change(aChange(profileId, { segment: 'again', sequence: 1 }), aChange(profileId, { segment: 'again', change: 'left', sequence: 2 }), aChange(profileId, { segment: 'again', sequence: 3 }));
    await sendAll();
    const decisions = await delivery.decisions(profileId);
    expect(decisions.filter(({ automation }) => automation === often).map(({ reason }) => reason)).toEqual(['sent', 'sent']);
    expect(decisions.filter(({ automation }) => automation === single).map(({ reason }) => reason).sort()).toEqual(['duplicate', 'sent']);
    expect(mailsTo('again@a.example')).toHaveLength(3);
  });

  test('and the record comes twice, in one batch and in another: one mail', async () => {
    await delivery.addAutomation({ segment: 'twice' });
    const profileId = await database.addPerson({ email: 'twice@a.example' });
    const change = aChange(profileId, { segment: 'twice' });
    await delivery.change(change, change);
    await sendAll();
    await delivery.change(change);
    await sendAll();
    expect(mailsTo('twice@a.example')).toHaveLength(1);
    expect(await delivery.decisions(profileId)).toHaveLength(1);
  });

  test.each([
    ['without any decision', { decision: null }, {}, 'no_consent'],
    ['with a withdrawal', { decision: 'withdrawn' as const }, {}, 'no_consent'],
    ['without an address', { email: null }, {}, 'no_address'],
    ['with something that is no address', { email: null, traits: { email: 'ann at home' } }, {}, 'invalid_address'],
    ['without what the template requires', {}, { required: ['profile.plan'] }, 'missing_data'],
    ['with a template that does not end for this person', { traits: { list: Array.from({ length: 3_000 }, () => 1) } }, { body: '{% for a in profile.list %}{% for b in profile.list %}{% for c in profile.list %}x{% endfor %}{% endfor %}{% endfor %}' }, 'render_failed'],
  ])('%s, and gets nothing, with the reason', async (name, person, template, reason) => {
    const segment = name.replaceAll(/\W+/g, '-');
    await delivery.addAutomation({ segment, template: await delivery.addTemplate(template) });
    const profileId = await database.addPerson(person);
    const before = mailbox.store.list().length;
    await delivery.change(aChange(profileId, { segment }));
    await sendAll();
    expect(await delivery.decisions(profileId)).toMatchObject([{ decision: 'not_sent', reason }]);
    expect(mailbox.store.list()).toHaveLength(before);
    await delivery.publish();
    expect(delivery.records.map(({ value }) => JSON.parse(value?.toString() ?? '')).find((message) => message.profileId === profileId)).toMatchObject({ reason });
  });

  test('and was merged since: the survivor gets the mail', async () => {
    await delivery.addAutomation({ segment: 'merged' });
    const survivor = await database.addPerson({ email: 'survivor@a.example' });
    const loser = await database.addPerson({ email: null, decision: null });
    await database.pool.query('update ingestion.profile_survivors set survivor_id = $1 where profile_id = $2', [survivor, loser]);
    await delivery.change(aChange(loser, { segment: 'merged' }));
    await sendAll();
    expect(mailsTo('survivor@a.example')).toHaveLength(1);
    expect(await delivery.decisions(survivor)).toMatchObject([{ profileId: loser, reason: 'sent' }]);
  });
});

describe('consent is asked in the last moment', () => {
  test('a withdrawal after the mail was prepared stops it', async () => {
    await delivery.addAutomation({ segment: 'late-withdrawal' });
    const profileId = await database.addPerson({ email: 'late@a.example' });
    await delivery.change(aChange(profileId, { segment: 'late-withdrawal' }));
    const { sender, lease } = await delivery.sender(provider);
    const mark = delivery.sends.markAttempting.bind(delivery.sends);
    delivery.sends.markAttempting = async (...parts) => {
      const marked = await mark(...parts);
      await database.decideConsent(profileId, 'withdrawn', Date.now());
      return marked;
    };
    await sender.sendBatch();
    delivery.sends.markAttempting = mark;
    lease.release();
    expect(await delivery.decisions(profileId)).toMatchObject([{ reason: 'no_consent' }]);
    expect(mailsTo('late@a.example')).toEqual([]);
  });

  test('who unsubscribed is not written to, for that purpose, until there is a new yes', async () => {
    await delivery.addAutomation({ segment: 'unsubscribed' });
    const profileId = await database.addPerson({ email: 'unsub@a.example' });
    await delivery.change(aChange(profileId, { segment: 'unsubscribed', sequence: 1 }));
    await sendAll();
    const [first] = await delivery.decisions(profileId);
    expect(await delivery.tracking.unsubscribe(first?.id as string, 'test')).toBe(true);
    await delivery.change(aChange(profileId, { segment: 'unsubscribed', sequence: 2 }));
    await sendAll();
    expect((await delivery.decisions(profileId))[0]).toMatchObject({ changeSequence: 2, reason: 'suppressed' });
    await database.decideConsent(profileId, 'granted', Date.now() + 1);
    await delivery.change(aChange(profileId, { segment: 'unsubscribed', sequence: 3 }));
    await sendAll();
    expect((await delivery.decisions(profileId))[0]).toMatchObject({ changeSequence: 3, reason: 'sent' });
    await delivery.publish();
    const told = delivery.inlet.filter((message) => message.profileId === profileId).map(({ message }) => message['event']);
    expect(told).toEqual(['Email Delivered', 'Unsubscribed', 'Consent Updated', 'Email Delivered']);
  });

  test('an address that unsubscribed stays so under another profile, in any case of letters', async () => {
    await delivery.addAutomation({ segment: 'same-address' });
    const first = await database.addPerson({ email: 'shared@a.example' });
    await delivery.change(aChange(first, { segment: 'same-address' }));
    await sendAll();
    await delivery.tracking.unsubscribe((await delivery.decisions(first))[0]?.id as string, 'test');
    const second = await database.addPerson({ email: 'SHARED@a.example', decision: null });
    await database.decideConsent(second, 'granted', 1);
    await delivery.change(aChange(second, { segment: 'same-address' }));
    await sendAll();
    expect(await delivery.decisions(second)).toMatchObject([{ reason: 'suppressed' }]);
  });
});

describe('a process that dies', () => {
  test('in the middle of handing over is never repeated, and told as unknown', async () => {
    await delivery.addAutomation({ segment: 'crash' });
    const attempted = await database.addPerson({ email: 'attempted@a.example' });
    await delivery.change(aChange(attempted, { segment: 'crash' }));
    const dead = await delivery.sender(provider);
    const [taken] = await delivery.sends.take(dead.lease.owner, 10, Date.now());
    expect(await delivery.sends.markAttempting(taken as NonNullable<typeof taken>, dead.lease.owner, attempted, Buffer.from('x'))).toBe('marked');
    const prepared = await database.addPerson({ email: 'prepared@a.example' });
    await delivery.change(aChange(prepared, { segment: 'crash' }));
    await delivery.sends.take(dead.lease.owner, 10, Date.now());

    const alive = await delivery.sender(provider);
    const loop = new SendLoop(alive.sender, delivery.sends, alive.lease);
    loop.start();
    await eventually(async () => (await inHand()) === 2);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await loop.stop();
    expect(await delivery.decisions(attempted)).toEqual([]);

    dead.lease.release();
    const next = await delivery.sender(provider);
    const nextLoop = new SendLoop(next.sender, delivery.sends, next.lease);
    nextLoop.start();
    await eventually(async () => (await delivery.decisions(attempted)).length === 1 && (await delivery.decisions(prepared)).length === 1);
    await nextLoop.stop();
    expect(await delivery.decisions(attempted)).toMatchObject([{ decision: 'not_sent', reason: 'outcome_unknown' }]);
    expect(mailsTo('attempted@a.example')).toEqual([]);
    expect(await delivery.decisions(prepared)).toMatchObject([{ reason: 'sent' }]);
    expect(mailsTo('prepared@a.example')).toHaveLength(1);
  });

  test('and lives on does not decide what another one took over', async () => {
    await delivery.addAutomation({ segment: 'zombie' });
    const profileId = await database.addPerson({ email: 'zombie@a.example' });
    await delivery.change(aChange(profileId, { segment: 'zombie' }));
    const zombie = await delivery.sender(aProvider(async () => {
      await delivery.sends.recover(zombie.lease.owner, Date.now(), () => true);
      return { handOver: 'accepted' };
    }));
    await zombie.sender.sendBatch();
    expect(await delivery.decisions(profileId)).toMatchObject([{ reason: 'outcome_unknown' }]);
    await sendAll();
    expect(await delivery.decisions(profileId)).toHaveLength(1);
    zombie.lease.release();
  });

  test('two that run at the same time send each mail once', async () => {
    await delivery.addAutomation({ segment: 'crowd' });
    const people = await Promise.all(Array.from({ length: 60 }, (_, index) => database.addPerson({ email: `crowd-${index}@a.example` })));
    await delivery.change(...people.map((profileId) => aChange(profileId, { segment: 'crowd' })));
    await Promise.all([sendAll(), sendAll()]);
    expect(mailbox.store.list().filter(({ to }) => to[0]?.startsWith('crowd-'))).toHaveLength(60);
  });
});

test('an automation that was deleted sends nothing that it had claimed', async () => {
  const key = await delivery.addAutomation({ segment: 'deleted' });
  const profileId = await database.addPerson({ email: 'deleted@a.example' });
  await delivery.change(aChange(profileId, { segment: 'deleted' }));
  await delivery.definitions.automations.delete(WORKSPACE, key);
  await sendAll();
  expect(await delivery.decisions(profileId)).toMatchObject([{ reason: 'automation_gone' }]);
  expect(mailsTo('deleted@a.example')).toEqual([]);
});

async function inHand(): Promise<number> {
  const { rows } = await database.pool.query<{ count: number }>(`select count(*) from delivery.sends where state in ('preparing', 'attempting')`);
  return rows[0]?.count ?? 0;
}

async function eventually(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('it did not happen within 5 seconds');
}
