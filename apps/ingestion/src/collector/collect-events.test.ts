import { EVENT_BYTES_MAX } from '@tributary/domain/ingestion/limits';
import { type CollectedEvent, collectEvent, collectEvents } from './collect-events.js';

const event = { type: 'track', event: 'x', userId: 'u', messageId: 'm' };
const collected = (value: unknown, envelope = {}) => collectEvent(value, envelope) as CollectedEvent;
const sent = (value: unknown, envelope = {}): unknown => JSON.parse(String(collected(value, envelope).value));

describe('an event of a batch', () => {
  test('goes on as it came, keyed by the person', () => {
    expect(String(collected(event).value)).toBe(JSON.stringify(event));
    expect(collected({ ...event, anonymousId: 'a' }).key).toBe('u');
    expect(collected({ ...event, userId: undefined, anonymousId: 'a' }).key).toBe('a');
    expect(collected({ ...event, userId: undefined, context: { traits: { email: 'a@b.example' } } }).key).toBe('m');
  });

  test('gets a message id where it has none', () => {
    const { messageId } = sent({ ...event, messageId: null }) as { messageId: string };
    expect(messageId).toMatch(/^[0-9a-f-]{36}$/);
    expect(sent({ ...event, messageId: undefined })).not.toMatchObject({ messageId });
  });

  test('takes the time and the context of its batch; its own win', () => {
    const envelope = { sentAt: '2026-01-01T00:00:00.000Z', context: { ip: '10.0.0.1', locale: 'de' } };
    expect(sent(event, envelope)).toEqual({ ...event, ...envelope });
    const own = { ...event, sentAt: '2026-01-02T00:00:00.000Z', context: { locale: 'fr', page: { url: '/' } } };
    expect(sent(own, envelope)).toEqual({ ...own, context: { ip: '10.0.0.1', locale: 'fr', page: { url: '/' } } });
    expect(sent({ ...event, sentAt: null }, envelope)).toMatchObject({ sentAt: envelope.sentAt });
  });

  test('does not carry the write key on', () => {
    expect(sent({ ...event, writeKey: 'wk' })).toEqual(event);
  });

  test('may be 32 KB with the context of its batch; what completes it does not count', () => {
    const sized = (bytes: number, context?: object) => {
      const empty = JSON.stringify({ ...event, properties: { a: '' }, ...(context ? { context } : {}) }).length;
      return { ...event, properties: { a: 'x'.repeat(bytes - empty) } };
    };
    expect(collectEvent(sized(EVENT_BYTES_MAX), { sentAt: '2026-01-01T00:00:00.000Z' })).toHaveProperty('key');
    expect(collectEvent(sized(EVENT_BYTES_MAX + 1), {})).toMatchObject({ refused: 'event_too_large' });
    const context = { page: 'y'.repeat(1_000) };
    expect(collectEvent(sized(EVENT_BYTES_MAX, context), { context })).toHaveProperty('key');
    expect(collectEvent(sized(EVENT_BYTES_MAX + 1, context), { context })).toMatchObject({ refused: 'event_too_large' });
    // Characters are not bytes.
    expect(collectEvent({ ...event, properties: { a: 'é'.repeat(EVENT_BYTES_MAX / 2) } }, {})).toMatchObject({ refused: 'event_too_large' });
  });

  test('is refused alone, with its place and why', () => {
    const { collected: good, errors } = collectEvents([event, { ...event, type: 'x' }, 7, event, { ...event, event: 'page' }], {});
    expect(good).toHaveLength(2);
    expect(errors).toEqual([
      { index: 1, code: 'unknown_type', message: expect.any(String) },
      { index: 2, code: 'not_an_object', message: expect.any(String) },
      { index: 4, code: 'reserved_event_name', message: expect.any(String) },
    ]);
  });

  test('keeps fields that are called like a prototype’s as fields', () => {
    const text = '{"type":"track","event":"x","userId":"u","messageId":"m","writeKey":"wk","__proto__":{"polluted":1},"properties":{"constructor":1,"__proto__":{"polluted":1}}}';
    expect(String(collected(JSON.parse(text), { context: JSON.parse('{"__proto__":{"polluted":1}}') }).value)).toContain('"__proto__":{"polluted":1},"properties":{"constructor":1,"__proto__":{"polluted":1}}');
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});
