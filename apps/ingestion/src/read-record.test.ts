import { COMPLETION_BYTES_MAX, EVENT_BYTES_MAX } from '@tributary/domain/ingestion/limits';
import type { LogRecord } from '@tributary/stream/stage';
import { type EventReading, RecordReader, signReceipt } from './read-record.js';

const SECRET = 'a secret of more than thirty-two characters';
const reader = new RecordReader({ secret: SECRET, trustSourceId: false });
const event = { type: 'track', event: 'x', userId: 'u' };

function read(value: unknown, headers: { [name: string]: string } = {}) {
  const bytes = Buffer.isBuffer(value) ? value : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
  const record: LogRecord = { topic: 'inbound.events', partition: 3, offset: 7, timestampMs: 5_000, key: null, value: bytes, headers: { 'write-key': 'wk', ...headers } };
  return reader.read(record);
}

const reasonOf = (reading: ReturnType<typeof read>) => (reading.is === 'unfit' ? reading.reason : reading.is);

describe('CloudEvents', () => {
  const envelope = { specversion: '1.0', id: 'ce-1', source: '/shop', type: 'shop.track', time: '1970-01-01T00:00:01Z', data: event };
  const binary = { ce_specversion: '1.0', ce_id: 'ce-1', ce_source: '/shop', ce_type: 'shop.track', ce_time: '1970-01-01T00:00:01Z' };

  test.each([
    ['structured, by its content type', envelope, { 'content-type': 'application/cloudevents+json; charset=utf-8' }],
    ['structured, by its fields', envelope, {}],
    ['structured, as base64', { ...envelope, data: undefined, data_base64: Buffer.from(JSON.stringify(event)).toString('base64') }, {}],
    ['binary', event, binary],
  ])('%s: id and time fill what the event does not say', (_, value, headers) => {
    const reading = read(value, headers as { [name: string]: string }) as EventReading;
    expect(reading).toMatchObject({ is: 'event', messageId: 'ce-1', facts: { timestampMs: 1_000 } });
    expect(JSON.parse(String(reading.body))).toEqual(event);
  });

  test.each([['structured', (data: object) => read({ ...envelope, data })], ['binary', (data: object) => read(data, binary)]])('%s: the event wins', (_, readData) => {
    expect(readData({ ...event, messageId: 'own', timestamp: 2_000 })).toMatchObject({ messageId: 'own', facts: { timestampMs: 2_000 } });
  });

  test.each([
    ['another version', { ...envelope, specversion: '0.3' }, {}, 'malformed_cloud_event'],
    ['another version in headers', event, { ce_specversion: '0.3' }, 'malformed_cloud_event'],
    ['declared, but none', event, { 'content-type': 'application/cloudevents+json' }, 'malformed_cloud_event'],
    ['with an event that is none', { ...envelope, data: { type: 'x' } }, {}, 'unknown_type'],
    ['with data that is a text', { ...envelope, data: 'x' }, {}, 'not_an_object'],
    ['with a time that cannot be read', { ...envelope, time: 'soon' }, {}, 'malformed_timestamp'],
    ['with a text that cannot be stored, inside', { ...envelope, data: { ...event, properties: { a: '\0' } } }, {}, 'unstorable_text'],
  ])('are set aside: %s', (_, value, headers, reason) => {
    expect(reasonOf(read(value, headers as { [name: string]: string }))).toBe(reason);
  });

  test.each(['\0', 'x'.repeat(257), '\ud83d'])('an id that cannot be a message id makes none', (id) => {
    expect(read({ ...envelope, id })).toMatchObject({ messageId: 'inbound.events:3:7' });
  });
});

describe('a record', () => {
  test('may be 32 KB, and what the collector has judged a little more', () => {
    const sized = (bytes: number) => JSON.stringify({ ...event, properties: { a: 'x'.repeat(bytes - JSON.stringify({ ...event, properties: { a: '' } }).length) } });
    const signed = { 'received-at': '4000', 'received-signature': signReceipt(SECRET, '4000', 'wk') };
    expect(reasonOf(read(sized(EVENT_BYTES_MAX)))).toBe('event');
    expect(reasonOf(read(sized(EVENT_BYTES_MAX + 1)))).toBe('event_too_large');
    expect(reasonOf(read(sized(EVENT_BYTES_MAX + 1), signed))).toBe('event');
    expect(reasonOf(read(sized(EVENT_BYTES_MAX + COMPLETION_BYTES_MAX + 1), signed))).toBe('event_too_large');
    expect(reasonOf(read({ specversion: '1.0', data: JSON.parse(sized(EVENT_BYTES_MAX)) }))).toBe('event');
    expect(reasonOf(read({ specversion: '1.0', data: JSON.parse(sized(EVENT_BYTES_MAX + 1)) }))).toBe('event_too_large');
  });

  test('must be UTF-8', () => {
    expect(reasonOf(read(Buffer.concat([Buffer.from('{"type":"track","event":"'), Buffer.from([0xff, 0xfe]), Buffer.from('","userId":"u"}')])))).toBe('malformed_json');
  });

  test('may name its source only where configured', () => {
    const record: LogRecord = { topic: 't', partition: 0, offset: 0, timestampMs: 0, key: null, value: Buffer.from(JSON.stringify(event)), headers: { 'source-id': 'ws_1/erp' } };
    expect(reader.read(record)).toEqual({ is: 'unfit', reason: 'no_key' });
    expect(new RecordReader({ secret: SECRET, trustSourceId: true }).read(record)).toMatchObject({ is: 'event', sender: { by: 'source', id: 'ws_1/erp' } });
  });
});

describe('the receipt', () => {
  const receivedMs = (headers: { [name: string]: string }) => (read(event, headers) as EventReading).receivedMs;

  test('is the collector’s clock where the collector signed it', () => {
    expect(receivedMs({ 'received-at': '4000', 'received-signature': signReceipt(SECRET, '4000', 'wk') })).toBe(4_000);
  });

  test.each([
    ['nobody signed it', {}],
    ['somebody else signed it', { 'received-signature': signReceipt('guessed', '4000', 'wk') }],
    ['another time was signed', { 'received-signature': signReceipt(SECRET, '4001', 'wk') }],
    ['it was signed for another key', { 'received-signature': signReceipt(SECRET, '4000', 'other') }],
  ])('is the append time where %s', (_, headers) => {
    expect(receivedMs({ 'received-at': '4000', ...(headers as { [name: string]: string }) })).toBe(5_000);
  });
});
