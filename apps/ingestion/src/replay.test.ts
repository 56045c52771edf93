import type { Entry } from '@tributary/contracts/entry';
import { replayRecord } from '@tributary/service/replay-record';
import { parkEntry, parkRecord } from '@tributary/stream/park';
import type { Ending, LogRecord, OutRecord } from '@tributary/stream/stage';
import { SECRET, StageHarness, told } from './testing/stage-harness.js';

let h: StageHarness;
let writeKey: string;

beforeAll(async () => {
  h = await StageHarness.open();
});
afterAll(() => h.close());
beforeEach(async () => {
  ({ writeKey } = await h.renew());
});

const entryOf = (ending: Ending | undefined): Entry => (ending as Extract<Ending, { ending: 'forward' }>).entries.at(-1) as Entry;
const parked = (out: OutRecord): LogRecord => h.fromOut(out);
const again = (record: LogRecord, repaired?: Buffer): LogRecord => h.fromOut(replayRecord(record, SECRET, repaired) as OutRecord);

describe('an event that a later stage had set aside', () => {
  async function accepted(event: object): Promise<Entry> {
    const [ending] = await h.ingest(h.aStage(), [h.aRecord(event)]);
    return { ...entryOf(ending), source: 0, offset: 8 * entryOf(ending).offset };
  }
  const setAside = (entry: Entry) => parked(parkEntry('cleansing', 'contract_violated', { topic: 'events.consented', partition: 3 }, entry));

  test('comes again with its own time, id and person, although its message id has been seen', async () => {
    const entry = await accepted({ type: 'track', event: 'Order Completed', userId: 'u', messageId: 'm', timestamp: '2025-12-31T22:00:00.000Z', sentAt: '2025-12-31T23:00:00.000Z', properties: { order_id: 'o', revenue: 'x' } });
    const [ending] = await h.ingest(h.aStage(), [again(setAside(entry))]);
    expect(entryOf(ending)).toMatchObject({ profileId: entry.profileId, workspace: entry.workspace, name: entry.name, messageId: 'm', timestampMs: entry.timestampMs });
    expect(JSON.parse(entryOf(ending).body.toString())).toMatchObject({ event: 'Order Completed', properties: { order_id: 'o', revenue: 'x' } });
  });

  test('counts once, however often it is sent through, and so does one that was set aside twice', async () => {
    const entry = await accepted({ type: 'track', event: 'A', userId: 'u', messageId: 'm' });
    const stage = h.aStage();
    expect(told(await h.ingest(stage, [again(setAside(entry)), again(setAside(entry))]))).toEqual(['forward event', 'drop duplicate_message']);
    expect(told(await h.ingest(stage, [again(setAside(entry))]))).toEqual(['drop duplicate_message']);
  });

  test('comes repaired', async () => {
    const entry = await accepted({ type: 'track', event: 'A', userId: 'u', messageId: 'm', properties: { revenue: 'x' } });
    const repaired = Buffer.from(JSON.stringify({ type: 'track', event: 'A', userId: 'u', properties: { revenue: 5 } }));
    const [ending] = await h.ingest(h.aStage(), [again(setAside(entry), repaired)]);
    expect(JSON.parse(entryOf(ending).body.toString())).toMatchObject({ messageId: 'm', properties: { revenue: 5 } });
  });

  test('comes at its own time, or at that which the repair gave it', async () => {
    const entry = await accepted({ type: 'track', event: 'A', userId: 'u', messageId: 'm', timestamp: '0001-01-01T00:00:00.000Z' });
    const repair = (more: object) => Buffer.from(JSON.stringify({ type: 'track', event: 'A', userId: 'u', ...more }));
    const [asItWas] = await h.ingest(h.aStage(), [again(setAside(entry), repair({}))]);
    expect(entryOf(asItWas).timestampMs).toBe(entry.timestampMs);
    await h.renew();
    const later = await accepted({ type: 'track', event: 'A', userId: 'u', messageId: 'm', timestamp: '0001-01-01T00:00:00.000Z' });
    const [repaired] = await h.ingest(h.aStage(), [again(setAside(later), repair({ timestamp: '2025-12-31T22:00:00.000Z' }))]);
    expect(entryOf(repaired).timestampMs).toBe(Date.parse('2025-12-31T22:00:00.000Z'));
  });

  test('is believed only with our signature over the very bytes', async () => {
    const entry = await accepted({ type: 'track', event: 'A', userId: 'u', messageId: 'm' });
    const record = again(setAside(entry));
    const forged = { ...record, headers: { ...record.headers, replay: 'cleansing:0:0:1' } };
    expect(told(await h.ingest(h.aStage(), [forged]))).toEqual(['drop duplicate_message']);
    const fromOutside = { ...record, headers: { replay: record.headers['replay'] as string, 'replay-signature': record.headers['replay-signature'] as string, 'write-key': writeKey } };
    expect(told(await h.ingest(h.aStage(), [fromOutside]))).toEqual(['drop duplicate_message']);
  });
});

describe('a record that ingestion had set aside', () => {
  test('comes again as it came, as old as it was, with the id that its place gave it', async () => {
    const record = h.aRecord({ type: 'track', event: 'A', userId: 'u' }, { headers: { 'write-key': 'wk_unknown', traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' } });
    expect(told(await h.ingest(h.aStage(), [record]))).toEqual(['park unknown_key']);
    const lot = parked(parkRecord('ingestion', 'unknown_key', record));
    const replayed = again({ ...lot, headers: { ...lot.headers, 'write-key': writeKey } });
    expect(replayed.value).toEqual(record.value);
    expect(Object.keys(replayed.headers).sort()).toEqual(['received-at', 'received-signature', 'replay', 'replay-signature', 'traceparent', 'write-key']);
    const stage = h.aStage();
    const endings = await h.ingest(stage, [replayed, { ...replayed, offset: replayed.offset + 1 }]);
    expect(told(endings)).toEqual(['forward event', 'drop duplicate_message']);
    expect(entryOf(endings[0])).toMatchObject({ messageId: `inbound.events:0:${record.offset}`, timestampMs: record.timestampMs, appendedAtMs: replayed.timestampMs });
  });

  test('that was a replay stays one', async () => {
    const [first] = await h.ingest(h.aStage(), [h.aRecord({ type: 'track', event: 'A', userId: 'u', messageId: 'm' })]);
    const replayed = again(parked(parkEntry('scoring', 'poison', { topic: 'events.cleansed', partition: 0 }, entryOf(first))));
    const twice = again(parked(parkRecord('ingestion', 'poison', replayed)));
    expect(told(await h.ingest(h.aStage(), [twice, replayed]))).toEqual(['forward event', 'drop duplicate_message']);
  });
});

test.each([
  ['a timer', { stage: 'scoring', reason: 'poison', timer: '1' }, null, 'no_bytes'],
  ['a frame that cannot be read', { stage: 'consent', reason: 'unreadable_frame' }, 'xyz', 'no_entry'],
  ['a merge', { stage: 'scoring', reason: 'poison', entry: JSON.stringify({ kind: 'merged' }) }, '{}', 'kind_of_entry'],
  ['what is no JSON', { stage: 'scoring', reason: 'poison', entry: JSON.stringify({ kind: 'event' }) }, '[1]', 'body_is_no_json_object'],
])('%s cannot be sent through again, and that is said', (_, headers, value, expected) => {
  expect(replayRecord(h.aRecord('', { headers: headers as { [name: string]: string }, value: value === null ? null : Buffer.from(value) }), SECRET)).toBe(expected);
});
