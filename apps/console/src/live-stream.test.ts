import { createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { waitUntil } from '../web/play/visitor.js';
import { LiveFeed } from './live-feed.js';
import { MemoryLiveSource } from './live-source.memory.js';
import { LiveStream } from './live-stream.js';

jest.setTimeout(30_000);

const TOPIC = 'segments.changed';

let source: MemoryLiveSource;
let feed: LiveFeed<string>;
let server: Server;
let responses: ServerResponse[];
let untilMs: number;

beforeEach(async () => {
  source = new MemoryLiveSource();
  feed = new LiveFeed(source, { topic: TOPIC, recentMax: 10, read: (record) => [String(record.value)] });
  responses = [];
  untilMs = Number.POSITIVE_INFINITY;
  server = createServer((_request, response) => {
    responses.push(response);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    new LiveStream(response, { feed, matches: () => true, present: (item) => item, resumeAfter: undefined, untilMs });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await feed.close();
});

function open(): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', agent: false }, resolve).once('error', reject));
}

test('a stream ends with the login that opened it', async () => {
  untilMs = Date.now() + 500;
  const answer = await open();
  answer.resume();
  await new Promise((resolve) => answer.once('end', resolve));
  expect(Date.now()).toBeGreaterThanOrEqual(untilMs);
});

test('for a page that does not read nothing piles up: when it reads again it learns what it lost', async () => {
  const answer = await open();
  answer.pause();
  await waitUntil(() => feed.state === 'live');
  const [response] = responses as [ServerResponse];
  const publish = () => source.publish(TOPIC, Buffer.from('x'.repeat(60_000)));
  // Until the kernel's buffers are full; then what is written has to wait here.
  await waitUntil(() => {
    for (let n = 0; n < 50; n++) publish();
    return response.writableNeedDrain;
  });
  const waiting = response.writableLength;
  const lookedAt = feed.ring.next;
  for (let n = 0; n < 3_000; n++) publish();
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(response.writableLength).toBe(waiting);

  let text = '';
  answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk.replaceAll('x', '')));
  answer.resume();
  await waitUntil(() => /"lost":[1-9]/.test(text));
  const lost = Number(/"lost":([1-9]\d*)/.exec(text)?.[1]);
  expect(lost).toBeGreaterThanOrEqual(1_000);
  expect(lost).toBeLessThanOrEqual(feed.ring.next - lookedAt + 50);
});
