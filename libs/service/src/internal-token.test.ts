import { internalToken, isInternalToken, looksInternal } from './internal-token.js';

const SECRET = 'a-secret-of-at-least-32-characters!';
const NOW = Date.parse('2026-03-01T12:00:30.000Z');
const MINUTE = 60_000;

describe('an internal token', () => {
  test('opens its own workspace with the same secret', () => {
    const token = internalToken(SECRET, 'ws_a', NOW);
    expect(looksInternal(token)).toBe(true);
    expect(isInternalToken(token, SECRET, 'ws_a', NOW)).toBe(true);
  });

  test('opens no other workspace, and nothing with another secret', () => {
    const token = internalToken(SECRET, 'ws_a', NOW);
    expect(isInternalToken(token, SECRET, 'ws_b', NOW)).toBe(false);
    expect(isInternalToken(token, `${SECRET}!`, 'ws_a', NOW)).toBe(false);
  });

  test('works for five minutes, also when the clocks differ a little, and then no more', () => {
    const token = internalToken(SECRET, 'ws_a', NOW);
    expect(isInternalToken(token, SECRET, 'ws_a', NOW + 5 * MINUTE)).toBe(true);
    expect(isInternalToken(token, SECRET, 'ws_a', NOW - 2 * MINUTE)).toBe(true);
    expect(isInternalToken(token, SECRET, 'ws_a', NOW + 7 * MINUTE)).toBe(false);
    expect(isInternalToken(token, SECRET, 'ws_a', NOW - 7 * MINUTE)).toBe(false);
  });

  test('cannot be moved to another minute', () => {
    const [prefix, minute, signature] = internalToken(SECRET, 'ws_a', NOW).split('.');
    const later = `${prefix}.${Number(minute) + 60}.${signature}`;
    expect(isInternalToken(later, SECRET, 'ws_a', NOW + 60 * MINUTE)).toBe(false);
  });

  test.each(['', 'internal', 'internal.1.', 'internal.-1.x', `internal.1.${'a'.repeat(42)}`, 'adm_abcdef'])('%j is none', (text) => {
    expect(looksInternal(text)).toBe(false);
    expect(isInternalToken(text, SECRET, 'ws_a', NOW)).toBe(false);
  });
});
