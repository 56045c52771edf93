import { onlyIdentifies } from './only-identifies.js';

test.each([
  [{ userId: '42' }, true],
  [{ userId: '42', traits: null }, true],
  [{ userId: '42', traits: {} }, true],
  [{ anonymousId: 'a', traits: { email: 'ann@a.example', phone: '+4930123' } }, true],
  [{ userId: '42', context: { ip: '203.0.113.1', locale: 'de' } }, true],
  [{ userId: '42', traits: { email: 'ann@a.example', plan: 'pro' } }, false],
  [{ userId: '42', traits: { plan: null } }, false],
  [{ userId: '42', traits: { __proto__: null, name: 'Ann' } }, false],
  [{ userId: '42', traits: ['email'] }, false],
  [undefined, false],
  ['identify', false],
])('%j has nothing but identifiers: %s', (body, only) => {
  expect(onlyIdentifies(body)).toBe(only);
});
