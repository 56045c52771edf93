import type { Entry } from '@tributary/contracts/entry';
import { entryMatches } from './live-event.js';

function anEntry(body: object, header: Partial<Entry> = {}): Entry {
  return {
    kind: 'event', workspace: 'ws', profileId: '6f9619ff-8b86-d011-b42d-00c04fc964ff', type: 'track', name: 'Order Completed', messageId: 'm', timestampMs: 0, appendedAtMs: 0, source: 0, offset: 0,
    body: Buffer.from(JSON.stringify(body)), ...header,
  };
}

test.each([
  ['', {}], ['order', {}], ['track', {}], ['6f9619ff-8b86-d011-b42d-00c04fc964ff', {}],
  ['userId:42', { userId: '42' }], ['userId:42', { userId: 42 }], ['email:Ada@shop.example', { traits: { email: 'ada@shop.example' } }], ['email:ada@shop.example', { context: { traits: { email: 'ada@shop.example' } } }],
  ['Oak lamp', { properties: { name: 'Oak lamp' } }],
])('"%s" finds %j', (text, body) => {
  expect(entryMatches(anEntry(body), text)).toBe(true);
});

test.each([
  ['userId:42', { userId: '142', properties: { price: 42 } }], ['userId:42', { anonymousId: '42' }], ['userId:42', null as never], ['email:a@b', { traits: 'email a@b' }], ['identify', {}],
])('"%s" does not find %j', (text, body) => {
  expect(entryMatches(anEntry(body), text)).toBe(false);
});

test('an event whose body is not kept is found by its header alone', () => {
  expect(entryMatches(anEntry({}, { body: Buffer.alloc(0) }), 'userId:42')).toBe(false);
  expect(entryMatches(anEntry({}, { body: Buffer.alloc(0) }), 'Order')).toBe(true);
});
