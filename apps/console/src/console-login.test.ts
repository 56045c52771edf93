import { EMAIL, PASSWORD, startConsole, type PlayConsole } from '../web/play/start-console.js';
import { Visitor } from '../web/play/visitor.js';
import { LOGIN_FAILURES_MAX } from './login-limit.js';

// The first start loads all of Nest.
jest.setTimeout(30_000);

let played: PlayConsole;
let nobody: Visitor;

beforeEach(async () => {
  played = await startConsole();
  nobody = new Visitor(played);
});

afterEach(() => played.close());

const logIn = () => new Visitor(played).logIn();

describe('login', () => {
  test.each(['/api/segmentation/v1/segments', '/api/live/events', '/api/session', '/api/status', '/api', '/api/there/is/nothing'])(
    'without one %s is 401 and says so as problem details',
    async (path) => {
      const answer = await nobody.get(path);
      expect(answer.status).toBe(401);
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(await answer.json()).toMatchObject({ status: 401, code: 'login_needed' });
      expect(played.upstream.requests).toEqual([]);
    },
  );

  test.each(['/%61pi/segmentation/v1/segments', '/api%2Fsegmentation/v1/segments', '//api/segmentation/v1/segments', '/x/../api/segmentation/v1/segments', '/API/segmentation/v1/segments'])(
    'writing it as %s does not get around it',
    async (path) => {
      await nobody.getRaw(path);
      expect(played.upstream.requests).toEqual([]);
    },
  );

  test('the cookie is out of reach of scripts and other sites', async () => {
    const answer = await nobody.post('/api/session', { email: EMAIL, password: PASSWORD });
    expect(answer.headers.get('set-cookie')).toMatch(/^tributary_session=[\w-]+\.[\w-]+; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(await answer.json()).toMatchObject({ email: EMAIL, workspace: 'ws_demo', csrfToken: expect.any(String) });
  });

  test('the address is compared without case, the password exactly', async () => {
    expect((await nobody.post('/api/session', { email: ` ${EMAIL.toUpperCase()}`, password: PASSWORD })).status).toBe(201);
    const wrong = await nobody.post('/api/session', { email: EMAIL, password: PASSWORD.toUpperCase() });
    expect(wrong.status).toBe(401);
    expect(await wrong.json()).toMatchObject({ code: 'wrong_login' });
    expect(wrong.headers.get('set-cookie')).toBeNull();
  });

  test.each([[{}], [{ email: EMAIL }], [{ email: EMAIL, password: 'x'.repeat(2_000) }], [{ email: [EMAIL], password: PASSWORD }], [{ email: EMAIL, password: PASSWORD, admin: true }]])(
    'a body like %j is refused field by field',
    async (body) => {
      const answer = await nobody.post('/api/session', body);
      expect(answer.status).toBe(422);
      expect(await answer.json()).toMatchObject({ code: 'refused', errors: expect.arrayContaining([expect.objectContaining({ pointer: expect.stringMatching(/^\/(email|password|admin)$/) })]) });
    },
  );

  test('guessing is slowed down, also for the right password', async () => {
    for (let n = 0; n < LOGIN_FAILURES_MAX; n++) expect((await nobody.post('/api/session', { email: EMAIL, password: `guess ${n}` })).status).toBe(401);
    const answer = await nobody.post('/api/session', { email: EMAIL, password: PASSWORD });
    expect(answer.status).toBe(429);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(800);
  });

  test('a forged or altered cookie is no login', async () => {
    const { cookie } = await logIn();
    const [name, value] = cookie.split('=') as [string, string];
    const [payload, signature] = value.split('.') as [string, string];
    const later = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(payload, 'base64url').toString()), expiresMs: 9e15 })).toString('base64url');
    for (const forged of [`${later}.${signature}`, `${payload}.`, payload, `${payload}.${signature}x`, '', '.', `${payload}.${signature}.${signature}`]) {
      expect((await nobody.get('/api/session', { cookie: `${name}=${forged}` })).status).toBe(401);
    }
    expect((await nobody.get('/api/session', { cookie })).status).toBe(200);
  });

  test('a logout ends the session, not only the cookie', async () => {
    const visitor = await logIn();
    const answer = await visitor.delete('/api/session');
    expect(answer.status).toBe(204);
    expect(answer.headers.get('set-cookie')).toMatch(/^tributary_session=; Max-Age=0/);
    expect((await visitor.get('/api/session')).status).toBe(401);
  });

  test('another password ends all sessions', async () => {
    const visitor = await logIn();
    const changed = await startConsole({ env: { CONSOLE_PASSWORD: 'another password' } });
    try {
      expect((await new Visitor(changed).get('/api/session', { cookie: visitor.cookie })).status).toBe(401);
    } finally {
      await changed.close();
    }
  });

  test('behind https the cookie is bound to this host and to secure connections', async () => {
    const secure = await startConsole({ env: { CONSOLE_URL: 'https://console.shop.example' } });
    try {
      const answer = await new Visitor(secure).post('/api/session', { email: EMAIL, password: PASSWORD }, { origin: 'https://console.shop.example' });
      expect(answer.headers.get('set-cookie')).toMatch(/^__Host-tributary_session=.*; Secure$/);
      expect(answer.headers.get('strict-transport-security')).toBe('max-age=31536000');
    } finally {
      await secure.close();
    }
  });
});

describe('requests of other sites', () => {
  test('an unsafe request needs the token of its session', async () => {
    const [visitor, other] = [await logIn(), await logIn()];
    for (const token of ['', 'guess', other.csrfToken]) {
      const answer = await visitor.post('/api/segmentation/v1/segments', {}, { 'x-csrf-token': token });
      expect(answer.status).toBe(403);
      expect(await answer.json()).toMatchObject({ code: 'csrf_token' });
    }
    expect(played.upstream.requests).toEqual([]);
    expect((await visitor.post('/api/segmentation/v1/segments', {})).status).toBe(200);
  });

  test.each<Record<string, string>>([{ origin: 'https://evil.example' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }])(
    'none is taken from %j, not even a login',
    async (headers) => {
      const answer = await nobody.post('/api/session', { email: EMAIL, password: PASSWORD }, headers);
      expect(answer.status).toBe(403);
      expect(await answer.json()).toMatchObject({ code: 'cross_site' });
    },
  );
});
