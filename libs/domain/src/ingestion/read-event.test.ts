import { DEPTH_MAX, EVENT_NAME_LENGTH_MAX, IDENTIFIER_LENGTH_MAX, MESSAGE_ID_LENGTH_MAX } from './limits.js';
import cases from './read-event.cases.json' with { type: 'json' };
import { readEvent, type EventFacts } from './read-event.js';

const anEvent = (fields: object) => ({ type: 'track', event: 'Signed Up', userId: 'u', ...fields });
const refusedOf = (event: unknown) => (readEvent(event) as { refused?: string }).refused ?? null;

describe('an event', () => {
  test.each(cases)('$name', (given) => {
    const read = readEvent(given.event);
    expect('refused' in read ? read.refused : read).toEqual('facts' in given ? given.facts : given.refused);
  });

  test.each([
    ['event', EVENT_NAME_LENGTH_MAX, 'malformed_event_name'],
    ['messageId', MESSAGE_ID_LENGTH_MAX, 'malformed_message_id'],
    ['userId', IDENTIFIER_LENGTH_MAX, 'malformed_user_id'],
    ['anonymousId', IDENTIFIER_LENGTH_MAX, 'malformed_anonymous_id'],
  ])('has a %s of at most %d characters', (field, max, code) => {
    expect(refusedOf(anEvent({ [field]: 'x'.repeat(max) }))).toBeNull();
    expect(refusedOf(anEvent({ [field]: 'x'.repeat(max + 1) }))).toBe(code);
  });

  test('is nested at most so deep, itself counted', () => {
    // The event and `properties` are two levels.
    const nested = (levels: number) => anEvent({ properties: JSON.parse('{"a":'.repeat(levels - 2) + '{}' + '}'.repeat(levels - 2)) });
    expect(refusedOf(nested(DEPTH_MAX))).toBeNull();
    expect(refusedOf(nested(DEPTH_MAX + 1))).toBe('event_too_deep');
    expect(refusedOf(anEvent({ properties: { list: JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)) } }))).toBe('event_too_deep');
  });

  test('holds only numbers that a double holds', () => {
    expect(refusedOf(JSON.parse('{"type":"track","event":"x","userId":"u","properties":{"total":1e999}}'))).toBe('unstorable_number');
  });

  test('needs no identifier where the sender names the profile', () => {
    expect(refusedOf({ type: 'track', event: 'x' })).toBe('no_identifier');
    expect((readEvent({ type: 'track', event: 'x' }, { isNamed: true }) as EventFacts).identifiers).toEqual([]);
  });

  test('takes its time from its envelope where it says none itself', () => {
    expect((readEvent(anEvent({}), { timestamp: '1970-01-01T00:00:01Z' }) as EventFacts).timestampMs).toBe(1_000);
    expect((readEvent(anEvent({ timestamp: 2_000 }), { timestamp: '1970-01-01T00:00:01Z' }) as EventFacts).timestampMs).toBe(2_000);
  });

  test('changes no prototype, whatever its fields are called', () => {
    readEvent(JSON.parse('{"type":"identify","userId":"u","__proto__":{"polluted":1},"traits":{"__proto__":{"polluted":1}},"context":{"traits":{"constructor":{"prototype":{"polluted":1}}}}}'));
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});
