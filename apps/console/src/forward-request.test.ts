import { startConsole, type PlayConsole } from '../web/play/start-console.js';
import { Visitor } from '../web/play/visitor.js';
import type { ForwardLimits } from './forward-request.js';

jest.setTimeout(30_000);

const KB = 1_024;
const LIMITS: ForwardLimits = { requestBytesMax: 64 * KB, responseBytesMax: 64 * KB, idleMs: 900, totalMs: 2_500 };

let played: PlayConsole;
let visitor: Visitor;

beforeEach(async () => {
  played = await startConsole({ limits: LIMITS });
  visitor = await new Visitor(played).logIn();
});

afterEach(() => played.close());

const answerWith = (body: Buffer) => played.upstream.overrides.set('/ingestion/v1/import', (request, response) => {
  request.resume().once('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end(body));
});

function upload(bytes: number, isAnnounced: boolean): Promise<Response> {
  const chunks = Array.from({ length: bytes / KB }, () => new Uint8Array(KB));
  const body = isAnnounced ? new Uint8Array(bytes) : new ReadableStream({ pull: (stream) => (chunks.length === 0 ? stream.close() : stream.enqueue(chunks.pop())) });
  const headers = { cookie: visitor.cookie, 'x-csrf-token': visitor.csrfToken, 'content-type': 'application/x-ndjson' };
  return fetch(`${played.url}/api/ingestion/v1/import`, { method: 'POST', body, headers, duplex: 'half' } as RequestInit);
}

test.each([true, false])('a body up to the limit is streamed on, one byte block more is 413 (length announced: %s)', async (isAnnounced) => {
  answerWith(Buffer.from('{"imported":1}'));
  const fits = await upload(LIMITS.requestBytesMax, isAnnounced);
  expect(await fits.json()).toEqual({ imported: 1 });
  const large = await upload(LIMITS.requestBytesMax + KB, isAnnounced);
  expect(await large.json()).toMatchObject({ status: 413, code: 'too_large' });
});

test('an answer up to the limit comes whole, a longer one breaks off', async () => {
  answerWith(Buffer.alloc(LIMITS.responseBytesMax, 'x'));
  expect((await (await upload(0, true)).text()).length).toBe(LIMITS.responseBytesMax);
  answerWith(Buffer.alloc(LIMITS.responseBytesMax + 1, 'x'));
  await expect(upload(0, true).then((answer) => answer.text())).rejects.toThrow();
});

test('a service that says nothing is given up after the idle time', async () => {
  played.upstream.overrides.set('/scoring/v1/slow', () => undefined);
  const startedMs = Date.now();
  expect(await (await visitor.get('/api/scoring/v1/slow')).json()).toMatchObject({ status: 503, code: 'service_unavailable' });
  expect(Date.now() - startedMs).toBeGreaterThanOrEqual(LIMITS.idleMs - 20);
  expect(Date.now() - startedMs).toBeLessThan(5_000);
});

test('a service that never ends is cut off after the total time', async () => {
  played.upstream.overrides.set('/scoring/v1/drip', (_request, response) => {
    const timer = setInterval(() => response.write('x'), 50);
    response.once('close', () => clearInterval(timer));
  });
  const startedMs = Date.now();
  await expect(visitor.get('/api/scoring/v1/drip').then((answer) => answer.text())).rejects.toThrow();
  expect(Date.now() - startedMs).toBeGreaterThanOrEqual(LIMITS.totalMs - 50);
});
