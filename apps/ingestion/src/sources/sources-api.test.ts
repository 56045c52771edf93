import { basic, IngestionApp, OPERATOR_KEY } from '../testing/create-ingestion-app.js';

let service: IngestionApp;

beforeAll(async () => {
  service = await IngestionApp.start();
}, 30_000);

afterAll(() => service.stop());

const codeOf = async (response: Response) => [response.status, ((await response.json()) as { code?: string }).code];
const aTrack = (fields: object = {}) => ({ event: 'Signed Up', userId: 'u', ...fields });

describe('workspaces and sources', () => {
  const operator = { authorization: `Bearer ${OPERATOR_KEY}` };
  const admin = () => ({ authorization: `Bearer ${service.keys.adminKey}` });
  const get = (path: string, headers = admin()) => fetch(service.url + path, { headers });

  test('a workspace is made with the operator’s key, and its keys work', async () => {
    const response = await service.send('/v1/workspaces', { name: 'Shop', timezone: 'Europe/Berlin' }, operator);
    expect(response.status).toBe(201);
    const made = (await response.json()) as typeof service.keys;
    expect(made).toEqual({ workspace: expect.stringMatching(/^ws_/), writeKey: expect.stringMatching(/^wk_/), adminKey: expect.stringMatching(/^ak_/) });
    expect((await service.send('/v1/track', aTrack(), basic(made.writeKey))).status).toBe(200);
    expect(await (await get('/v1/sources', { authorization: `Bearer ${made.adminKey}` })).json()).toMatchObject({ sources: [{ key: 'default', kind: 'http', trusted: true }], cursor: null });
  });

  test.each([[{}, 401], [{ authorization: 'Bearer another-key' }, 401], [() => admin(), 401]])('not with another key', async (headers, status) => {
    expect((await service.send('/v1/workspaces', { name: 'x' }, (typeof headers === 'function' ? headers() : headers) as { [name: string]: string })).status).toBe(status);
  });

  test.each([[{ timezone: 'UTC' }, '/name'], [{ name: 'x', timezone: 'Mars/Olympus' }, '/timezone'], [{ name: 'x', colour: 'red' }, '/colour']])('a wrong body is refused with where: %j', async (body, pointer) => {
    const response = await service.send('/v1/workspaces', body, operator);
    expect([response.status, await response.json()]).toEqual([422, expect.objectContaining({ errors: expect.arrayContaining([expect.objectContaining({ pointer })]) })]);
  });

  test('a source is made once, with a write key of its own and a secret that is never told', async () => {
    const body = { key: 'provider', kind: 'webhook:postmark', secret: 'whsec' };
    const response = await service.send('/v1/sources', body, admin());
    expect(response.status).toBe(201);
    const made = (await response.json()) as { writeKey: string };
    expect(made).toEqual({ key: 'provider', kind: 'webhook:postmark', trusted: true, hasSecret: true, createdAt: expect.any(String), writeKey: expect.stringMatching(/^wk_/) });
    expect((await service.send('/v1/track', aTrack(), basic(made.writeKey))).status).toBe(200);
    expect(await codeOf(await service.send('/v1/sources', body, admin()))).toEqual([409, 'duplicate_key']);
    const shown = await (await get('/v1/sources/provider')).text();
    expect(shown).not.toContain('whsec');
    expect(shown).not.toContain(made.writeKey);
  });

  test('a browser’s source is untrusted unless said otherwise', async () => {
    expect(await (await service.send('/v1/sources', { key: 'browser', kind: 'http' }, admin())).json()).toMatchObject({ trusted: false });
    expect(await (await service.send('/v1/sources', { key: 'server', kind: 'http', trusted: true }, admin())).json()).toMatchObject({ trusted: true });
  });

  test('sources are listed in pages, and another workspace’s are not there', async () => {
    const keysOf = async (query: string) => (await (await get(`/v1/sources${query}`)).json()) as { sources: { key: string }[]; cursor: string | null };
    const all = (await keysOf('')).sources.map(({ key }) => key);
    const first = await keysOf('?limit=2');
    const second = await keysOf(`?limit=1000&cursor=${first.cursor}`);
    expect([...first.sources, ...second.sources].map(({ key }) => key)).toEqual(all);
    expect(second.cursor).toBeNull();
    const other = (await (await service.send('/v1/workspaces', { name: 'Other' }, operator)).json()) as typeof service.keys;
    expect((await get('/v1/sources/provider', { authorization: `Bearer ${other.adminKey}` })).status).toBe(404);
  });

  test.each([[{ key: 'Upper', kind: 'http' }, '/key'], [{ key: 'a', kind: 'ftp' }, '/kind'], [{ key: 'a', kind: 'webhook:' }, '/kind'], [{ key: 'a', kind: 'http', trusted: 'yes' }, '/trusted']])('a source that cannot be is refused: %j', async (body, pointer) => {
    const response = await service.send('/v1/sources', body, admin());
    expect([response.status, await response.json()]).toEqual([422, expect.objectContaining({ errors: expect.arrayContaining([expect.objectContaining({ pointer })]) })]);
  });

  test('a write key manages nothing', async () => {
    expect((await get('/v1/sources', { authorization: `Bearer ${service.keys.writeKey}` })).status).toBe(401);
  });
});
