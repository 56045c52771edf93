import { startConsole, type PlayConsole } from '../web/play/start-console.js';
import { Visitor } from '../web/play/visitor.js';

// The first start loads all of Nest.
jest.setTimeout(30_000);

let played: PlayConsole;

beforeEach(async () => {
  played = await startConsole();
});

afterEach(() => played.close());

const logIn = () => new Visitor(played).logIn();

describe('live streams', () => {
  test('show what happens in this workspace, and go on where a page stopped', async () => {
    const visitor = await logIn();
    const first = await visitor.open('/api/live/changes');
    await first.until('state', (data) => data['state'] === 'live');
    played.publishChange(1);
    const seen = await first.until('batch', (data) => (data['items'] as unknown[]).length > 0);
    expect(seen.data).toMatchObject({ seen: 1, matched: 1, lost: 0, items: [{ workspace: 'ws_demo', sequence: expect.any(Number), identifiers: expect.any(Array) }] });
    first.close();

    played.publishChange(2);
    const again = await visitor.open('/api/live/changes', seen.id);
    const missed = await again.until('batch', () => true);
    expect(missed.data).toMatchObject({ seen: 1, items: [{ sequence: expect.any(Number) }] });
    again.close();
  });

  test('a page that opens begins with what came before it, which is not new', async () => {
    for (let n = 0; n < 100; n++) played.publishEvent(n);
    const visitor = await logIn();
    const stream = await visitor.open('/api/live/events');
    const { data } = await stream.until('batch', () => true);
    expect(data).toMatchObject({ seen: 0, matched: 0, lost: 0, newestMs: expect.any(Number) });
    expect(data['items']).toHaveLength(60);
    stream.close();
    const another = await visitor.open('/api/live/events?match=email%3Anobody');
    expect((await another.until('batch', () => true)).data).toMatchObject({ items: [], seen: 0 });
    another.close();
  });

  test('events come out of frames with their bodies', async () => {
    const stream = await (await logIn()).open('/api/live/events');
    await stream.until('state', (data) => data['state'] === 'live');
    played.publishEvent(3);
    const { data } = await stream.until('batch', (batch) => batch['seen'] === 1);
    expect(data['items']).toEqual([
      expect.objectContaining({ profileId: expect.any(String), name: expect.any(String), timestamp: expect.stringMatching(/Z$/), body: expect.objectContaining({ userId: expect.any(String) }) }),
    ]);
    stream.close();
  });

  test('what is asked for is filtered here, and the rest is counted', async () => {
    const stream = await (await logIn()).open('/api/live/events?match=userId:no-such-person');
    await stream.until('state', (data) => data['state'] === 'live');
    for (let n = 0; n < 50; n++) played.publishEvent(n);
    const { data } = await stream.until('batch', (batch) => batch['seen'] === 50);
    expect(data).toMatchObject({ items: [], matched: 0 });
    stream.close();
  });

  test('a burst is thinned out: the newest are shown, and how many there were', async () => {
    const stream = await (await logIn()).open('/api/live/events');
    await stream.until('state', (data) => data['state'] === 'live');
    for (let n = 0; n < 5_000; n++) played.publishEvent(n);
    const { data } = await stream.until('batch', (batch) => (batch['seen'] as number) > 0);
    expect(data).toMatchObject({ seen: 5_000, lost: 3_000, matched: 2_000 });
    expect(data['items']).toHaveLength(20);
    stream.close();
  });

  test('records that cannot be read, and those of other workspaces, are left out', async () => {
    const stream = await (await logIn()).open('/api/live/changes');
    await stream.until('state', (data) => data['state'] === 'live');
    played.source.publish('segments.changed', Buffer.from('garbage'));
    played.source.publish('segments.changed', Buffer.from('{"workspace":"ws_other","segment":"x","identifiers":[]}'));
    played.publishChange(1);
    const { data } = await stream.until('batch', (batch) => (batch['items'] as unknown[]).length > 0);
    expect(data).toMatchObject({ seen: 1, items: [{ workspace: 'ws_demo' }] });
    stream.close();
  });

  test('nothing is read from the log while nobody looks, and open pages do not hold up the end', async () => {
    const visitor = await logIn();
    expect(played.source.tails).toBe(0);
    const stream = await visitor.open('/api/live/changes');
    await stream.until('state', (data) => data['state'] === 'live');
    expect(played.source.tails).toBe(1);
    await played.close();
    expect(played.source.tails).toBe(0);
    await stream.ended;
    played = await startConsole();
  });
});
