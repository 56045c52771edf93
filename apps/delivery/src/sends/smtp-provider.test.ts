import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { Mailbox } from '../mailbox/mailbox.js';
import { createDeliveryDatabase, type DeliveryDatabase } from '../testing/delivery-database.js';
import { aChange, DeliveryHarness } from '../testing/delivery-harness.js';
import type { MailProvider } from './mail-provider.js';
import { SmtpProvider } from './smtp-provider.js';

let database: DeliveryDatabase;
let delivery: DeliveryHarness;
let mailbox: Mailbox;
let provider: SmtpProvider;

beforeAll(async () => {
  database = await createDeliveryDatabase();
  delivery = await DeliveryHarness.open(database);
  mailbox = new Mailbox({ host: '127.0.0.1', httpPort: 0, smtpPort: 0 });
  provider = smtpTo((await mailbox.start()).smtpPort);
});

afterAll(async () => {
  provider.close();
  await mailbox.stop();
  await delivery.close();
  await database.drop();
});

const smtpTo = (port: number): SmtpProvider => new SmtpProvider({ url: `smtp://127.0.0.1:${port}`, from: 'mail@shop.example', connectionsMax: 1 });

const mailsTo = (address: string) => mailbox.store.list({ to: address });

async function sendAll(through: MailProvider = provider): Promise<void> {
  const { sender, lease } = await delivery.sender(through);
  while ((await sender.sendBatch()) > 0);
  lease.release();
}

/** Runs an SMTP server of its own behaviour while `work` sends through it. */
async function withServer(options: ConstructorParameters<typeof SMTPServer>[0], work: (through: SmtpProvider) => Promise<void>): Promise<void> {
  const server = new SMTPServer({ disabledCommands: ['STARTTLS', 'AUTH'], authOptional: true, disableReverseLookup: true, ...options });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const through = smtpTo((server.server.address() as AddressInfo).port);
  await work(through);
  through.close();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

describe('the mail server', () => {
  test('that is away is tried again later, and the mail goes out once', async () => {
    await delivery.addAutomation({ segment: 'away' });
    const profileId = await database.addPerson({ email: 'away@a.example' });
    await delivery.change(aChange(profileId, { segment: 'away' }));
    const nowhere = smtpTo(1);
    await sendAll(nowhere);
    nowhere.close();
    expect(await delivery.decisions(profileId)).toEqual([]);
    await database.pool.query(`update delivery.sends set next_attempt_ms = 0 where state = 'claimed'`);
    await sendAll();
    expect(mailsTo('away@a.example')).toHaveLength(1);
    expect(await delivery.decisions(profileId)).toMatchObject([{ reason: 'sent' }]);
  });

  test('that puts us off for a day is given up', async () => {
    await delivery.addAutomation({ segment: 'gone' });
    const profileId = await database.addPerson();
    await delivery.change(aChange(profileId, { segment: 'gone' }));
    await database.pool.query('update delivery.sends set claimed_ms = claimed_ms - 86400000 where profile_id = $1', [profileId]);
    await withServer({ onMailFrom: (_address, _session, done) => done(Object.assign(new Error('4.7.1 later'), { responseCode: 451 })) }, sendAll);
    expect(await delivery.decisions(profileId)).toMatchObject([{ reason: 'provider_unavailable' }]);
  });

  test('that knows no such person suppresses the address; one that dislikes the content does not', async () => {
    await delivery.addAutomation({ segment: 'refused' });
    const nobody = await database.addPerson({ email: 'nobody@a.example' });
    const somebody = await database.addPerson({ email: 'somebody@a.example' });
    await delivery.change(aChange(nobody, { segment: 'refused' }), aChange(somebody, { segment: 'refused' }));
    await withServer(
      {
        onRcptTo: ({ address }, _session, done) => done(address.startsWith('nobody') ? Object.assign(new Error('5.1.1 no such user'), { responseCode: 550 }) : null),
        onData: (stream, _session, done) => void stream.resume().on('end', () => done(Object.assign(new Error('5.7.1 spam'), { responseCode: 554 }))),
      },
      sendAll,
    );
    expect(await delivery.decisions(nobody)).toMatchObject([{ reason: 'provider_refused' }]);
    expect(await delivery.decisions(somebody)).toMatchObject([{ reason: 'provider_refused' }]);
    await delivery.change(aChange(nobody, { segment: 'refused', sequence: 2 }), aChange(somebody, { segment: 'refused', sequence: 2 }));
    await sendAll();
    expect((await delivery.decisions(nobody))[0]).toMatchObject({ changeSequence: 2, reason: 'suppressed' });
    expect((await delivery.decisions(somebody))[0]).toMatchObject({ changeSequence: 2, reason: 'sent' });
    await delivery.publish();
    expect(delivery.inlet.filter((message) => message.profileId === nobody).map(({ message }) => message['event'])).toEqual(['Email Bounced']);
  });

  test.each([
    ['with a reset', (socket: { destroy(): void }) => socket.destroy()],
    ['politely', (socket: { end(): void }) => socket.end()],
  ])('that takes the content and breaks off %s gets the mail once, and the outcome is unknown', async (name, breakOff) => {
    await delivery.addAutomation({ segment: `cut-${name.length}` });
    const profileId = await database.addPerson();
    await delivery.change(aChange(profileId, { segment: `cut-${name.length}` }));
    let taken = 0;
    await withServer(
      {
        onData(this: SMTPServer, stream, session) {
          const { connections } = this as unknown as { connections: Set<{ id: string; _socket: { destroy(): void; end(): void } }> };
          stream.resume().on('end', () => {
            taken += 1;
            connections.forEach((connection) => connection.id === session.id && breakOff(connection._socket));
          });
        },
      },
      async (through) => {
        await sendAll(through);
        await new Promise((resolve) => setTimeout(resolve, 500));
      },
    );
    expect(taken).toBe(1);
    expect(await delivery.decisions(profileId)).toMatchObject([{ reason: 'outcome_unknown' }]);
  });

  test('that breaks off in the envelope is tried again', async () => {
    await delivery.addAutomation({ segment: 'cut-early' });
    const profileId = await database.addPerson({ email: 'early@a.example' });
    await delivery.change(aChange(profileId, { segment: 'cut-early' }));
    await withServer(
      {
        onRcptTo(this: SMTPServer, _address, session) {
          const { connections } = this as unknown as { connections: Set<{ id: string; _socket: { destroy(): void } }> };
          connections.forEach((connection) => connection.id === session.id && connection._socket.destroy());
        },
      },
      sendAll,
    );
    expect(await delivery.decisions(profileId)).toEqual([]);
    await database.pool.query(`update delivery.sends set next_attempt_ms = 0 where state = 'claimed'`);
    await sendAll();
    expect(mailsTo('early@a.example')).toHaveLength(1);
  });
});
