import { Announcements } from './announcements.postgres.js';
import { ConsentLedger } from './consent-ledger.postgres.js';
import { RecordConsent } from './record-consent.js';
import { aProfile } from './testing/an-entry.js';
import { aConsent, ConsentApp, KNOWN, MERGED, STRANGERS_KEY, WS } from './testing/create-consent-app.js';

let service: ConsentApp;

// Real servers, on a machine that may be busy.
jest.setTimeout(60_000);

beforeAll(async () => {
  service = await ConsentApp.start();
});

afterAll(() => service.stop());

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 10_000; !(await condition()); ) {
    if (Date.now() > deadline) throw new Error('waited ten seconds in vain');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('POST /v1/consents', () => {
  test('answers with a receipt once the decision is in the ledger, and tells the stream of it', async () => {
    const { status, body } = await service.request('POST', '/v1/consents', aConsent({ proof: { page: '/signup' }, occurredAt: '2026-01-05T10:00:00.000Z', jurisdiction: 'GDPR' }));
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.any(String), profileId: KNOWN, purpose: 'email_marketing', decision: 'granted', occurredAt: '2026-01-05T10:00:00.000Z', recordedAt: expect.any(String),
      source: 'form', textVersion: '2026-01', jurisdiction: 'GDPR', proof: { page: '/signup' }, previous: null,
    });
    await until(() => service.stream.messages.some(({ message }) => message['messageId'] === `consent:${body.id}`));
    const { headers, message } = service.stream.messages.find((told) => told.message['messageId'] === `consent:${body.id}`)!;
    expect(headers).toMatchObject({ workspace: WS, 'profile-id': KNOWN, 'internal-signature': expect.any(String) });
    expect(message).toEqual({
      type: 'track', event: 'Consent Updated', messageId: `consent:${body.id}`, timestamp: '2026-01-05T10:00:00.000Z',
      properties: { purpose: 'email_marketing', decision: 'granted', occurredAt: '2026-01-05T10:00:00.000Z', receipt: body.id, source: 'form', textVersion: '2026-01', jurisdiction: 'GDPR' },
    });
    expect(await service.database.pool.query('select from consent.announcements where receipt = $1', [body.id])).toMatchObject({ rowCount: 0 });
  });

  test.each(['userId:new', 'email:New.Person@A.example', 'anonymousId:a-1', 'deviceId:d-1', 'loyaltyCard:77'])('makes the profile of %s, and keeps the evidence', async (profile) => {
    const { status, body } = await service.request('POST', '/v1/consents', aConsent({ profile, decision: 'withdrawn', proof: { page: '/out' } }));
    expect([status, body.decision, body.proof]).toEqual([201, 'withdrawn', { page: '/out' }]);
    const shown = await service.request('GET', `/v1/profiles/${encodeURIComponent(profile)}/consents`);
    expect(shown.body).toMatchObject({ current: { email_marketing: { decision: 'withdrawn', at: body.occurredAt } }, history: [{ id: body.id, profileId: body.profileId }], cursor: null });
    const { headers } = service.stream.messages.find(({ message }) => message['messageId'] === `consent:${body.id}`)!;
    expect(headers).not.toHaveProperty('profile-id');
  });

  test('what is decided now counts after all that was decided before, even at the same instant', async () => {
    const profile = 'userId:changes-mind';
    const receipts = [];
    for (const decision of ['granted', 'withdrawn', 'granted', 'withdrawn', 'granted']) receipts.push((await service.request('POST', '/v1/consents', aConsent({ profile, decision }))).body);
    expect((await service.request('GET', `/v1/profiles/${profile}/consents`)).body.current.email_marketing.decision).toBe('granted');
    expect(receipts.map(({ previous }) => previous)).toEqual([null, ...receipts.slice(0, -1).map(({ id }) => id)]);
  });

  test('a profile id that was merged means the survivor', async () => {
    expect((await service.request('POST', '/v1/consents', aConsent({ profile: MERGED }))).body.profileId).toBe(KNOWN);
  });

  test('answers 201 although the broker is slow, since the decision is committed', async () => {
    service.stream.stalled = true;
    expect((await service.request('POST', '/v1/consents', aConsent())).status).toBe(201);
    service.stream.stalled = false;
    service.stream.resume();
  });

  test('a new person’s decision that the stream does not take in in time is answered 503, and recorded later', async () => {
    service.stream.stalled = true;
    const ledger = new ConsentLedger(service.database.pool);
    const record = new RecordConsent({ find: () => Promise.resolve(null) }, ledger, service.app.get(Announcements), 150);
    const statement = { purpose: 'profiling', decision: 'withdrawn' as const, source: 'form', textVersion: '1', jurisdiction: null, proof: { kept: 1 }, occurredAt: null };
    await expect(record.record(WS, 'userId:patient', statement)).rejects.toMatchObject({ status: 503, code: 'not_recorded_yet', retryAfterSeconds: 5 });
    expect((await service.request('GET', '/v1/profiles/userId:patient/consents')).status).toBe(404);
    service.stream.stalled = false;
    service.stream.resume();
    await until(async () => (await service.request('GET', '/v1/profiles/userId:patient/consents')).status === 200);
    expect((await service.request('GET', '/v1/profiles/userId:patient/consents')).body.history).toEqual([expect.objectContaining({ decision: 'withdrawn', proof: { kept: 1 } })]);
  });

  test('a decision that could not be told is told by the sweep', async () => {
    const told: unknown[] = [];
    const broken = new Announcements(service.database.pool, { write: () => Promise.reject(new Error('no broker')) });
    const receipt = '33333333-3333-4333-8333-333333333333';
    const announcement = { workspace: WS, receipt, purpose: 'profiling', decision: 'granted' as const, occurredAtMs: 1, source: 'x', textVersion: null, jurisdiction: null, proof: null };
    await broken.add(announcement, { type: 'userId', value: 'swept' });
    await expect(broken.tell(WS, receipt)).rejects.toThrow('no broker');
    const working = new Announcements(service.database.pool, { write: async (messages) => void told.push(...messages) });
    expect([await working.sweep(), told]).toEqual([0, []]);
    await service.database.pool.query("update consent.announcements set created_at = now() - interval '1 minute' where receipt = $1", [receipt]);
    expect(await working.sweep()).toBe(1);
    expect(told).toEqual([expect.objectContaining({ key: 'userId:swept', message: expect.objectContaining({ userId: 'swept', messageId: `consent:${receipt}` }) })]);
    // Until it is in the ledger it may be told again.
    expect(await working.sweep()).toBe(1);
    await service.database.pool.query('delete from consent.announcements where receipt = $1', [receipt]);
  });

  test.each([
    [{ purpose: 'E-Mail' }, '/purpose'],
    [{ purpose: undefined }, '/purpose'],
    [{ decision: 'maybe' }, '/decision'],
    [{ source: undefined }, '/source'],
    [{ textVersion: '' }, '/textVersion'],
    [{ profile: undefined }, '/profile'],
    [{ occurredAt: 'yesterday' }, '/occurredAt'],
    [{ occurredAt: '2999-01-01T00:00:00Z' }, '/occurredAt'],
    [{ occurredAt: 5 }, '/occurredAt'],
    [{ proof: 'signed' }, '/proof'],
    [{ proof: { document: 'x'.repeat(17_000) } }, '/proof'],
    [{ proof: { text: 'a\u0000b' } }, '/proof'],
    [{ source: 'a\u0000b' }, '/source'],
    [{ profile: 'phone:nonsense' }, '/profile'],
    [{ profile: 'email:nonsense' }, '/profile'],
    [{ unknown: true }, '/unknown'],
  ])('refuses %j', async (over, pointer) => {
    const { status, body } = await service.request('POST', '/v1/consents', aConsent(over));
    expect([status, body.errors?.[0]?.pointer]).toEqual([422, pointer]);
  });

  test('answers 400 to a malformed reference and 404 to an id that nobody has', async () => {
    expect((await service.request('POST', '/v1/consents', aConsent({ profile: 'nobody' }))).status).toBe(400);
    expect((await service.request('POST', '/v1/consents', aConsent({ profile: aProfile(77) }))).status).toBe(404);
  });
});

describe('GET /v1/profiles/{ref}/consents', () => {
  test('answers with nothing for somebody who never decided, 404 for nobody', async () => {
    await service.database.pool.query("insert into ingestion.profile_survivors values ('ws_a', $1, $1)", [aProfile(5)]);
    expect(await service.request('GET', `/v1/profiles/${aProfile(5)}/consents`)).toEqual({ status: 200, body: { current: {}, history: [], cursor: null } });
    expect((await service.request('GET', '/v1/profiles/userId:nobody/consents')).status).toBe(404);
  });

  test('pages through the history', async () => {
    const profile = 'userId:pages';
    for (let round = 0; round < 3; round += 1) await service.request('POST', '/v1/consents', aConsent({ profile }));
    const first = (await service.request('GET', `/v1/profiles/${profile}/consents?limit=2`)).body;
    const second = (await service.request('GET', `/v1/profiles/${profile}/consents?limit=2&cursor=${first.cursor}`)).body;
    expect([first.history.length, second.history.length, second.cursor]).toEqual([2, 1, null]);
    expect(new Set([...first.history, ...second.history].map(({ id }) => id)).size).toBe(3);
    expect((await service.request('GET', `/v1/profiles/${profile}/consents?limit=0`)).status).toBe(400);
    expect((await service.request('GET', `/v1/profiles/${profile}/consents?cursor=x`)).status).toBe(400);
  });

  test('another workspace sees nothing, no key and a wrong key see less', async () => {
    expect((await service.request('GET', `/v1/profiles/${KNOWN}/consents`, undefined, STRANGERS_KEY)).status).toBe(404);
    expect((await service.request('GET', `/v1/profiles/${KNOWN}/consents`, undefined, null)).status).toBe(401);
    expect((await service.request('POST', '/v1/consents', aConsent(), 'ak_wrong')).status).toBe(401);
    expect((await service.request('PUT', '/v1/purposes/sms', { policy: 'opt-in' }, null)).status).toBe(401);
  });
});

describe('purposes', () => {
  test('begin with the defaults, and are defined and changed', async () => {
    expect(await service.request('PUT', '/v1/purposes/sms', { policy: 'opt-out' }, STRANGERS_KEY)).toEqual({ status: 200, body: { purpose: 'sms', policy: 'opt-out' } });
    await service.request('PUT', '/v1/purposes/profiling', { policy: 'opt-in' }, STRANGERS_KEY);
    await service.request('PUT', '/v1/purposes/sms', { policy: 'opt-in' }, STRANGERS_KEY);
    expect((await service.request('GET', '/v1/purposes', undefined, STRANGERS_KEY)).body).toEqual({
      purposes: [
        { purpose: 'behavioural_tracking', policy: 'opt-out' }, { purpose: 'data_sharing', policy: 'opt-in' }, { purpose: 'email_marketing', policy: 'opt-in' },
        { purpose: 'profiling', policy: 'opt-in' }, { purpose: 'sms', policy: 'opt-in' },
      ],
      cursor: null,
    });
    expect((await service.request('GET', '/v1/purposes')).body.purposes).toContainEqual({ purpose: 'profiling', policy: 'opt-out' });
  });

  test.each([['UPPER', { policy: 'opt-in' }, 400], ['sms', { policy: 'sometimes' }, 422], ['sms', {}, 422], ['sms', { policy: 'opt-in', more: 1 }, 422]])('refuse %s with %j', async (purpose, body, status) => {
    expect((await service.request('PUT', `/v1/purposes/${purpose}`, body)).status).toBe(status);
  });

  test('are no more than two hundred of a workspace’s own', async () => {
    await service.database.pool.query("insert into consent.purposes select 'ws_b', 'p' || n, 'opt-in' from generate_series(1, 300) n");
    expect(await service.request('PUT', '/v1/purposes/one-more', { policy: 'opt-in' }, STRANGERS_KEY)).toMatchObject({ status: 422, body: { code: 'too_many_purposes' } });
  });
});
