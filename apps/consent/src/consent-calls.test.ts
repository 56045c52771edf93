import { internalToken } from '@tributary/service/internal-token';
import { aConsent, ConsentApp, KNOWN, SECRET, WS } from './testing/create-consent-app.js';

let service: ConsentApp;

// Real servers, on a machine that may be busy.
jest.setTimeout(60_000);

beforeAll(async () => {
  service = await ConsentApp.start();
});

afterAll(() => service.stop());

describe('gRPC Consent', () => {
  const check = (profile: string, purpose: string, headers?: { [name: string]: string }) => service.call('Check', { profile, purpose }, headers);

  test('Check says what may be done and why, as of the last commit', async () => {
    const profile = 'userId:checked';
    await service.request('POST', '/v1/consents', aConsent({ profile }));
    expect(await check(profile, 'email_marketing')).toEqual({ allowed: true, reason: 'granted' });
    expect(await check(profile, 'data_sharing')).toEqual({ allowed: false, reason: 'not_granted' });
    expect(await check(profile, 'behavioural_tracking')).toEqual({ allowed: true, reason: 'allowed_by_policy' });
    await service.request('POST', '/v1/consents', aConsent({ profile, decision: 'withdrawn' }));
    expect(await check(profile, 'email_marketing')).toEqual({ allowed: false, reason: 'withdrawn' });
  });

  test('Record takes a decision as HTTP does', async () => {
    const profile = 'userId:unsubscribes';
    await service.request('POST', '/v1/consents', aConsent({ profile }));
    expect(await service.call('Record', { profile, purpose: 'email_marketing', decision: 'withdrawn', source: 'one-click-unsubscribe' })).toEqual({ receipt: expect.any(String) });
    expect(await check(profile, 'email_marketing')).toEqual({ allowed: false, reason: 'withdrawn' });
    expect(await service.call('Record', { profile, purpose: 'email_marketing', decision: 'x', source: 'y' })).toEqual({ status: 'INVALID_ARGUMENT', code: 'malformed_decision' });
    expect(await service.call('Record', { profile, purpose: 'email_marketing', decision: 'granted' })).toEqual({ status: 'INVALID_ARGUMENT', code: 'malformed_source' });
  });

  test('another of our services asks with an internal token, for the workspace it was made for', async () => {
    const headers = (tokenFor: string, workspace: string) => ({ authorization: `Bearer ${internalToken(SECRET, tokenFor, Date.now())}`, workspace });
    expect(await check(KNOWN, 'profiling', headers(WS, WS))).toEqual({ allowed: true, reason: 'allowed_by_policy' });
    expect(await check(KNOWN, 'profiling', headers('ws_b', WS))).toEqual({ status: 'UNAUTHENTICATED', code: 'unauthorized' });
    expect(await check(KNOWN, 'profiling', headers('ws_b', 'ws_b'))).toEqual({ status: 'NOT_FOUND', code: 'not_found' });
    expect(await check(KNOWN, 'profiling', { authorization: `Bearer ${internalToken('another secret of 32 characters!', WS, Date.now())}`, workspace: WS })).toMatchObject({ status: 'UNAUTHENTICATED' });
    expect(await check(KNOWN, 'profiling', { authorization: headers(WS, WS).authorization })).toMatchObject({ status: 'UNAUTHENTICATED' });
  });

  test('an internal token opens nothing over HTTP', async () => {
    expect((await service.request('GET', '/v1/purposes', undefined, internalToken(SECRET, WS, Date.now()))).status).toBe(401);
  });

  test('no key, an unknown profile, a malformed purpose: each its status', async () => {
    expect(await check(KNOWN, 'profiling', {})).toEqual({ status: 'UNAUTHENTICATED', code: 'unauthorized' });
    expect(await check('userId:nobody', 'profiling')).toEqual({ status: 'NOT_FOUND', code: 'not_found' });
    expect(await check(KNOWN, 'UPPER')).toEqual({ status: 'INVALID_ARGUMENT', code: 'malformed_purpose' });
    expect(await check('', 'profiling')).toMatchObject({ status: 'INVALID_ARGUMENT' });
  });
});
