import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startConsole, type PlayConsole } from '../web/play/start-console.js';
import { Visitor, waitUntil } from '../web/play/visitor.js';
import { ADMIN_KEY } from '../web/play/world.js';

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

describe('routing to the services', () => {
  test('passes on method, path, query and body under the key of the console, and the answer back', async () => {
    const visitor = await logIn();
    const echoed = echo('/segmentation/v1/segments/preview');
    const answer = await visitor.post('/api/segmentation/v1/segments/preview?a=1&a=%2F', { rule: { and: [] } }, {
      authorization: 'Bearer of-the-browser', 'x-forwarded-host': 'evil.example', 'x-anything': '1', te: 'trailers',
    });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toEqual({ received: '{"rule":{"and":[]}}' });
    const [request] = echoed;
    expect(request).toMatchObject({ method: 'POST', url: '/segmentation/v1/segments/preview?a=1&a=%2F' });
    expect(request?.headers).toMatchObject({ authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' });
    for (const name of ['cookie', 'x-csrf-token', 'x-forwarded-host', 'x-forwarded-for', 'x-anything', 'te', 'origin']) expect(request?.headers).not.toHaveProperty(name);
  });

  test('keeps percent-encoded references as they are', async () => {
    const visitor = await logIn();
    const answer = await visitor.get('/api/segmentation/v1/segments/hot-leads/members/email%3Aa%2Fb%40shop.example');
    expect(answer.status).toBe(404);
    expect(played.upstream.requests.at(-1)?.path).toBe('/segmentation/v1/segments/hot-leads/members/email%3Aa%2Fb%40shop.example');
  });

  test('lets no cookie, and no page that could act, come back', async () => {
    const visitor = await logIn();
    played.upstream.overrides.set('/delivery/v1/x', (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html', 'set-cookie': 'a=b', 'access-control-allow-origin': '*', 'content-security-policy': "default-src *" });
      response.end('<script>alert(1)</script>');
    });
    const answer = await visitor.get('/api/delivery/v1/x');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('set-cookie')).toBeNull();
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    expect(answer.headers.get('content-security-policy')).toContain('sandbox');
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  test.each([
    '/api/postgres/v1/x', '/api/segmentation/metrics', '/api/segmentation/health/ready', '/api/segmentation/docs', '/api/segmentation', '/api/constructor/v1/x', '/api/segmentation/v1',
  ])('%s leads nowhere', async (path) => {
    const answer = await (await logIn()).get(path);
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(played.upstream.requests).toEqual([]);
  });

  test.each(['/api/segmentation/v1/../metrics', '/api/segmentation/v1/%2e%2e/metrics', '/api/segmentation/v1/a\\..\\b', '/api/segmentation/v1/.%2E/.%2e/ingestion/v1/x', '/api/%73egmentation/v1/segments', '/%61pi/segmentation/v1/segments'])(
    '%s does not escape the public API',
    async (path) => {
      const visitor = await logIn();
      const status = await visitor.getRaw(path);
      expect([400, 404]).toContain(status);
      expect(played.upstream.requests).toEqual([]);
    },
  );

  test('a service that is down, and one that refuses the key, are 503, never a logout', async () => {
    const visitor = await logIn();
    played.upstream.overrides.set('/scoring/v1/x', (request) => request.socket.destroy());
    played.upstream.overrides.set('/scoring/v1/y', (_request, response) => void response.writeHead(401).end('{}'));
    expect(await (await visitor.get('/api/scoring/v1/x')).json()).toMatchObject({ status: 503, code: 'service_unavailable' });
    expect(await (await visitor.get('/api/scoring/v1/y')).json()).toMatchObject({ status: 503, code: 'service_refused_key' });
  });

  test('an answer that breaks off does not look complete', async () => {
    const visitor = await logIn();
    played.upstream.overrides.set('/scoring/v1/x', (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"half":', () => response.destroy());
    });
    await expect(visitor.get('/api/scoring/v1/x').then((answer) => answer.text())).rejects.toThrow();
  });

  test('a browser that goes away takes its request with it', async () => {
    const visitor = await logIn();
    const gone = new Promise<void>((resolve) => {
      played.upstream.overrides.set('/scoring/v1/x', (request, response) => void response.once('close', () => resolve(void request.method)));
    });
    const abort = new AbortController();
    const asked = visitor.get('/api/scoring/v1/x', {}, abort.signal);
    asked.catch(() => undefined);
    await waitUntil(() => played.upstream.requests.length === 1);
    abort.abort();
    await gone;
  });
});

test('a console that finds no workspace yet says so, and finds it once it is there', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'console-'));
  const file = join(dir, 'credentials.json');
  const early = await startConsole({ env: { CONSOLE_WORKSPACE: undefined, CONSOLE_ADMIN_KEY: undefined, TRIBUTARY_CREDENTIALS: file } });
  try {
    const visitor = await new Visitor(early).logIn();
    expect(await (await visitor.get('/api/session')).json()).toMatchObject({ workspace: null });
    expect(await (await visitor.get('/api/segmentation/v1/segments')).json()).toMatchObject({ status: 503, code: 'no_workspace' });
    expect(await (await visitor.get('/api/live/events')).json()).toMatchObject({ status: 503, code: 'no_workspace' });
    await writeFile(file, '{"workspace":"ws_de');
    await writeFile(file, JSON.stringify({ workspace: 'ws_demo', adminKey: ADMIN_KEY }));
    await waitUntil(async () => (await visitor.get('/api/segmentation/v1/segments')).status === 200);
  } finally {
    await early.close();
    await rm(dir, { recursive: true });
  }
});

test('pages run nothing that is not theirs', async () => {
  const policy = (await nobody.get('/people')).headers.get('content-security-policy') ?? '';
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
