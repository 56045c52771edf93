import { DeliveryApp } from '../testing/create-delivery-app.js';

let app: DeliveryApp;

beforeAll(async () => {
  Object.assign(process.env, { TRACKING_REQUESTS_PER_SECOND: '2', ADMIN_KEY_REQUESTS_PER_SECOND: '2' });
  app = await DeliveryApp.start();
}, 60_000);

afterAll(() => app.stop());

/** Asks until it is refused. */
async function refusal(ask: () => Promise<Response>): Promise<Response> {
  for (let tries = 0; tries < 1_000; tries++) {
    const response = await ask();
    if (response.status === 429) return response;
  }
  throw new Error('never refused');
}

test.each(['o/forged.gif', 'c/forged', 'u/forged', 'p/forged'])('one address cannot try %s as often as it likes', async (path) => {
  const refused = await refusal(() => fetch(`${app.base}/${path}`));
  expect(refused.headers.get('content-type')).toContain('application/problem+json');
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect(await refused.json()).toMatchObject({ status: 429, code: 'too_many_requests' });
});

test('an admin key cannot either', async () => {
  const refused = await refusal(() => fetch(`${app.base}/v1/sends`, { headers: { authorization: `Bearer ${app.adminKey}` } }));
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
});
