import { request as startHttp } from 'node:http';
import { EMAIL, PASSWORD, startConsole, type PlayConsole } from '../web/play/start-console.js';
import { ADMIN_KEY } from '../web/play/world.js';
import { LOGIN_FAILURES_MAX } from './login-limit.js';

let played: PlayConsole;

beforeEach(async () => {
  played = await startConsole();
});

afterEach(() => played.close());

interface Visitor {
  readonly cookie: string;
  readonly csrfToken: string;
}

function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(played.url + path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } });
}

async function login(): Promise<Visitor> {
  const answer = await post('/api/session', { email: EMAIL, password: PASSWORD });
  expect(answer.status).toBe(201);
  const cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? '';
  const { csrfToken } = (await answer.json()) as Visitor;
  return { cookie, csrfToken };
}

function get(path: string, visitor?: Visitor, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(played.url + path, { headers: { ...(visitor ? { cookie: visitor.cookie } : {}), ...headers } });
}

describe('login', () => {
  test.each(['/api/segmentation/v1/segments', '/api/live/events', '/api/session', '/api/status', '/api', '/api/there/is/nothing'])(
    'without one %s is 401 and says so as problem details',
    async (path) => {
      const answer = await get(path);
      expect(answer.status).toBe(401);
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(await answer.json()).toMatchObject({ status: 401, code: 'login_needed' });
      expect(played.upstream.requests).toEqual([]);
    },
  );

  test.each(['/%61pi/segmentation/v1/segments', '/api%2Fsegmentation/v1/segments', '//api/segmentation/v1/segments', '/x/../api/segmentation/v1/segments', '/API/segmentation/v1/segments'])(
    'writing it as %s does not get around it',
    async (path) => {
      await rawGet(path, '');
      expect(played.upstream.requests).toEqual([]);
    },
  );

  test('the cookie is out of reach of scripts and other sites', async () => {
    const answer = await post('/api/session', { email: EMAIL, password: PASSWORD });
    expect(answer.headers.get('set-cookie')).toMatch(/^tributary_session=[\w-]+\.[\w-]+; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(await answer.json()).toMatchObject({ email: EMAIL, workspace: 'ws_demo', csrfToken: expect.any(String) });
  });

  test('the address is compared without case, the password exactly', async () => {
    expect((await post('/api/session', { email: ` ${EMAIL.toUpperCase()}`, password: PASSWORD })).status).toBe(201);
    const wrong = await post('/api/session', { email: EMAIL, password: PASSWORD.toUpperCase() });
    expect(wrong.status).toBe(401);
    expect(await wrong.json()).toMatchObject({ code: 'wrong_login' });
    expect(wrong.headers.get('set-cookie')).toBeNull();
  });

  test.each([[{}], [{ email: EMAIL }], [{ email: EMAIL, password: 'x'.repeat(2_000) }], [{ email: [EMAIL], password: PASSWORD }], [{ email: EMAIL, password: PASSWORD, admin: true }]])(
    'a body like %j is refused field by field',
    async (body) => {
      const answer = await post('/api/session', body);
      expect(answer.status).toBe(422);
      expect(await answer.json()).toMatchObject({ code: 'refused', errors: expect.arrayContaining([expect.objectContaining({ pointer: expect.stringMatching(/^\/(email|password|admin)$/) })]) });
    },
  );

  test('guessing is slowed down, also for the right password', async () => {
    for (let n = 0; n < LOGIN_FAILURES_MAX; n++) expect((await post('/api/session', { email: EMAIL, password: `guess ${n}` })).status).toBe(401);
    const answer = await post('/api/session', { email: EMAIL, password: PASSWORD });
    expect(answer.status).toBe(429);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(800);
  });

  test('a forged or altered cookie is no login', async () => {
    const { cookie } = await login();
    const [name, value] = cookie.split('=') as [string, string];
    const [payload, signature] = value.split('.') as [string, string];
    const later = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(payload, 'base64url').toString()), expiresMs: 9e15 })).toString('base64url');
    for (const forged of [`${later}.${signature}`, `${payload}.`, payload, `${payload}.${signature}x`, '', '.', `${payload}.${signature}.${signature}`]) {
      expect((await get('/api/session', { cookie: `${name}=${forged}`, csrfToken: '' })).status).toBe(401);
    }
    expect((await get('/api/session', { cookie, csrfToken: '' })).status).toBe(200);
  });

  test('a logout ends the session, not only the cookie', async () => {
    const visitor = await login();
    const answer = await fetch(`${played.url}/api/session`, { method: 'DELETE', headers: { cookie: visitor.cookie, 'x-csrf-token': visitor.csrfToken } });
    expect(answer.status).toBe(204);
    expect(answer.headers.get('set-cookie')).toMatch(/^tributary_session=; Max-Age=0/);
    expect((await get('/api/session', visitor)).status).toBe(401);
  });

  test('another password ends all sessions', async () => {
    const visitor = await login();
    const changed = await startConsole({ env: { CONSOLE_PASSWORD: 'another password' } });
    try {
      expect((await fetch(`${changed.url}/api/session`, { headers: { cookie: visitor.cookie } })).status).toBe(401);
    } finally {
      await changed.close();
    }
  });

  test('behind https the cookie is bound to this host and to secure connections', async () => {
    const secure = await startConsole({ env: { CONSOLE_URL: 'https://console.shop.example' } });
    try {
      const answer = await fetch(`${secure.url}/api/session`, {
        method: 'POST', body: JSON.stringify({ email: EMAIL, password: PASSWORD }), headers: { 'content-type': 'application/json', origin: 'https://console.shop.example' },
      });
      expect(answer.headers.get('set-cookie')).toMatch(/^__Host-tributary_session=.*; Secure$/);
      expect(answer.headers.get('strict-transport-security')).toBe('max-age=31536000');
    } finally {
      await secure.close();
    }
  });
});

describe('requests of other sites', () => {
  test('an unsafe request needs the token of its session', async () => {
    const [visitor, other] = [await login(), await login()];
    for (const token of ['', 'guess', other.csrfToken]) {
      const answer = await post('/api/segmentation/v1/segments', {}, { cookie: visitor.cookie, 'x-csrf-token': token });
      expect(answer.status).toBe(403);
      expect(await answer.json()).toMatchObject({ code: 'csrf_token' });
    }
    expect(played.upstream.requests).toEqual([]);
    expect((await post('/api/segmentation/v1/segments', {}, { cookie: visitor.cookie, 'x-csrf-token': visitor.csrfToken })).status).toBe(200);
  });

  test.each<Record<string, string>>([{ origin: 'https://evil.example' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }])(
    'none is taken from %j, not even a login',
    async (headers) => {
      const answer = await post('/api/session', { email: EMAIL, password: PASSWORD }, headers);
      expect(answer.status).toBe(403);
      expect(await answer.json()).toMatchObject({ code: 'cross_site' });
    },
  );
});

describe('routing to the services', () => {
  test('passes on method, path, query and body under the key of the console, and the answer back', async () => {
    const visitor = await login();
    const echoed = echo('/segmentation/v1/segments/preview');
    const answer = await post('/api/segmentation/v1/segments/preview?a=1&a=%2F', { rule: { and: [] } }, {
      cookie: visitor.cookie, 'x-csrf-token': visitor.csrfToken, authorization: 'Bearer of-the-browser', 'x-forwarded-host': 'evil.example', 'x-anything': '1', te: 'trailers',
    });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toEqual({ received: '{"rule":{"and":[]}}' });
    const [request] = echoed;
    expect(request).toMatchObject({ method: 'POST', url: '/segmentation/v1/segments/preview?a=1&a=%2F' });
    expect(request?.headers).toMatchObject({ authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' });
    for (const name of ['cookie', 'x-csrf-token', 'x-forwarded-host', 'x-forwarded-for', 'x-anything', 'te', 'origin']) expect(request?.headers).not.toHaveProperty(name);
  });

  test('keeps percent-encoded references as they are', async () => {
    const visitor = await login();
    const answer = await get('/api/segmentation/v1/segments/hot-leads/members/email%3Aa%2Fb%40shop.example', visitor);
    expect(answer.status).toBe(404);
    expect(played.upstream.requests.at(-1)?.path).toBe('/segmentation/v1/segments/hot-leads/members/email%3Aa%2Fb%40shop.example');
  });

  test('lets no cookie, and no page that could act, come back', async () => {
    const visitor = await login();
    played.upstream.overrides.set('/delivery/v1/x', (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html', 'set-cookie': 'a=b', 'access-control-allow-origin': '*', 'content-security-policy': "default-src *" });
      response.end('<script>alert(1)</script>');
    });
    const answer = await get('/api/delivery/v1/x', visitor);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('set-cookie')).toBeNull();
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    expect(answer.headers.get('content-security-policy')).toContain('sandbox');
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  test.each([
    '/api/postgres/v1/x', '/api/segmentation/metrics', '/api/segmentation/health/ready', '/api/segmentation/docs', '/api/segmentation', '/api/constructor/v1/x', '/api/segmentation/v1',
  ])('%s leads nowhere', async (path) => {
    const answer = await get(path, await login());
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(played.upstream.requests).toEqual([]);
  });

  test.each(['/api/segmentation/v1/../metrics', '/api/segmentation/v1/%2e%2e/metrics', '/api/segmentation/v1/a\\..\\b', '/api/segmentation/v1/.%2E/.%2e/ingestion/v1/x', '/api/%73egmentation/v1/segments', '/%61pi/segmentation/v1/segments'])(
    '%s does not escape the public API',
    async (path) => {
      const visitor = await login();
      const status = await rawGet(path, visitor.cookie);
      expect([400, 404]).toContain(status);
      expect(played.upstream.requests).toEqual([]);
    },
  );

  test('a service that is down, and one that refuses the key, are 503, never a logout', async () => {
    const visitor = await login();
    played.upstream.overrides.set('/scoring/v1/x', (request) => request.socket.destroy());
    played.upstream.overrides.set('/scoring/v1/y', (_request, response) => void response.writeHead(401).end('{}'));
    expect(await (await get('/api/scoring/v1/x', visitor)).json()).toMatchObject({ status: 503, code: 'service_unavailable' });
    expect(await (await get('/api/scoring/v1/y', visitor)).json()).toMatchObject({ status: 503, code: 'service_refused_key' });
  });

  test('an answer that breaks off does not look complete', async () => {
    const visitor = await login();
    played.upstream.overrides.set('/scoring/v1/x', (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"half":', () => response.destroy());
    });
    await expect(get('/api/scoring/v1/x', visitor).then((answer) => answer.text())).rejects.toThrow();
  });

  test('a browser that goes away takes its request with it', async () => {
    const visitor = await login();
    const gone = new Promise<void>((resolve) => {
      played.upstream.overrides.set('/scoring/v1/x', (request, response) => void response.once('close', () => resolve(void request.method)));
    });
    const abort = new AbortController();
    const asked = fetch(`${played.url}/api/scoring/v1/x`, { headers: { cookie: visitor.cookie }, signal: abort.signal });
    asked.catch(() => undefined);
    await until(() => played.upstream.requests.length === 1);
    abort.abort();
    await gone;
  });
});

describe('live streams', () => {
  test('show what happens in this workspace, and go on where a page stopped', async () => {
    const visitor = await login();
    const first = await openStream('/api/live/changes', visitor);
    await first.until('state', (data) => data['state'] === 'live');
    played.publishChange(1);
    const seen = await first.until('batch', (data) => (data['items'] as unknown[]).length > 0);
    expect(seen.data).toMatchObject({ seen: 1, matched: 1, lost: 0, items: [{ workspace: 'ws_demo', sequence: expect.any(Number), identifiers: expect.any(Array) }] });
    first.close();

    played.publishChange(2);
    const again = await openStream('/api/live/changes', visitor, seen.id);
    const missed = await again.until('batch', () => true);
    expect(missed.data).toMatchObject({ seen: 1, items: [{ sequence: expect.any(Number) }] });
    again.close();
  });

  test('events come out of frames with their bodies', async () => {
    const stream = await openStream('/api/live/events', await login());
    await stream.until('state', (data) => data['state'] === 'live');
    played.publishEvent(3);
    const { data } = await stream.until('batch', (batch) => batch['seen'] === 1);
    expect(data['items']).toEqual([
      expect.objectContaining({ profileId: expect.any(String), name: expect.any(String), timestamp: expect.stringMatching(/Z$/), body: expect.objectContaining({ userId: expect.any(String) }) }),
    ]);
    stream.close();
  });

  test('what is asked for is filtered here, and the rest is counted', async () => {
    const stream = await openStream('/api/live/events?match=userId:no-such-person', await login());
    await stream.until('state', (data) => data['state'] === 'live');
    for (let n = 0; n < 50; n++) played.publishEvent(n);
    const { data } = await stream.until('batch', (batch) => batch['seen'] === 50);
    expect(data).toMatchObject({ items: [], matched: 0 });
    stream.close();
  });

  test('a burst is thinned out: the newest are shown, and how many there were', async () => {
    const stream = await openStream('/api/live/events', await login());
    await stream.until('state', (data) => data['state'] === 'live');
    for (let n = 0; n < 5_000; n++) played.publishEvent(n);
    const { data } = await stream.until('batch', (batch) => (batch['seen'] as number) > 0);
    expect(data).toMatchObject({ seen: 5_000, lost: 3_000, matched: 2_000 });
    expect(data['items']).toHaveLength(20);
    stream.close();
  });

  test('records that cannot be read, and those of other workspaces, are left out', async () => {
    const stream = await openStream('/api/live/changes', await login());
    await stream.until('state', (data) => data['state'] === 'live');
    played.source.publish('segments.changed', Buffer.from('garbage'));
    played.source.publish('segments.changed', Buffer.from('{"workspace":"ws_other","segment":"x","identifiers":[]}'));
    played.publishChange(1);
    const { data } = await stream.until('batch', (batch) => (batch['items'] as unknown[]).length > 0);
    expect(data).toMatchObject({ seen: 1, items: [{ workspace: 'ws_demo' }] });
    stream.close();
  });

  test('nothing is read from the log while nobody looks, and open pages do not hold up the end', async () => {
    const visitor = await login();
    expect(played.source.tails).toBe(0);
    const stream = await openStream('/api/live/changes', visitor);
    await stream.until('state', (data) => data['state'] === 'live');
    expect(played.source.tails).toBe(1);
    await played.close();
    expect(played.source.tails).toBe(0);
    await stream.ended;
    played = await startConsole();
  });
});

test('a console that finds no workspace yet says so, and finds it once it is there', async () => {
  const { mkdtemp, writeFile, rm } = await import('node:fs/promises');
  const dir = await mkdtemp(`${(await import('node:os')).tmpdir()}/console-`);
  const file = `${dir}/credentials.json`;
  const early = await startConsole({ env: { CONSOLE_WORKSPACE: undefined, CONSOLE_ADMIN_KEY: undefined, TRIBUTARY_CREDENTIALS: file } });
  try {
    const login = await fetch(`${early.url}/api/session`, { method: 'POST', body: JSON.stringify({ email: EMAIL, password: PASSWORD }), headers: { 'content-type': 'application/json' } });
    expect(await login.json()).toMatchObject({ workspace: null });
    const headers = { cookie: login.headers.get('set-cookie')?.split(';')[0] ?? '' };
    const segments = () => fetch(`${early.url}/api/segmentation/v1/segments`, { headers });
    expect(await (await segments()).json()).toMatchObject({ status: 503, code: 'no_workspace' });
    await writeFile(file, JSON.stringify({ workspace: 'ws_demo', adminKey: ADMIN_KEY }));
    await until(async () => (await segments()).status === 200);
  } finally {
    await early.close();
    await rm(dir, { recursive: true });
  }
});

test('pages run nothing that is not theirs', async () => {
  const policy = (await get('/people')).headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self'");
  expect(policy).not.toContain('unsafe');
});

function echo(path: string): { method?: string; url?: string; headers: Record<string, unknown> }[] {
  const seen: { method?: string; url?: string; headers: Record<string, unknown> }[] = [];
  played.upstream.overrides.set(path, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      seen.push({ method: request.method, url: request.url, headers: request.headers });
      response.writeHead(422, { 'content-type': 'application/problem+json' }).end(JSON.stringify({ received: Buffer.concat(chunks).toString() }));
    });
  });
  return seen;
}

/** fetch would resolve the dots itself. */
function rawGet(path: string, cookie: string): Promise<number> {
  const { hostname, port } = new URL(played.url);
  return new Promise((resolve, reject) => {
    startHttp({ hostname, port, path, headers: { cookie } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    })
      .once('error', reject)
      .end();
  });
}

interface Message {
  readonly event: string;
  readonly id?: string;
  readonly data: Record<string, unknown>;
}

async function openStream(path: string, visitor: Visitor, lastEventId?: string) {
  const abort = new AbortController();
  const answer = await fetch(played.url + path, { headers: { cookie: visitor.cookie, ...(lastEventId ? { 'last-event-id': lastEventId } : {}) }, signal: abort.signal });
  expect(answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  const messages: Message[] = [];
  const ended = (async () => {
    let text = '';
    for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk).toString();
      const blocks = text.split('\n\n');
      text = blocks.pop() as string;
      messages.push(...blocks.map(parseMessage).filter((message) => message !== null));
    }
  })().catch(() => undefined);
  const next = async (event: string, holds: (data: Record<string, unknown>) => boolean): Promise<Message> => {
    const found = () => messages.find((message) => message.event === event && holds(message.data));
    await until(() => found() !== undefined);
    return found() as Message;
  };
  return { until: next, ended, close: () => abort.abort() };
}

function parseMessage(block: string): Message | null {
  const field = (name: string) => block.split('\n').find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
  const [event, data, id] = [field('event'), field('data'), field('id')];
  return event === undefined || data === undefined ? null : { event, data: JSON.parse(data) as Record<string, unknown>, ...(id === undefined ? {} : { id }) };
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + 4_000;
  while (!(await holds())) {
    if (Date.now() > deadlineMs) throw new Error('it did not happen within 4 s');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
