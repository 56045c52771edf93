import { formatClock, formatDuration, formatExact, formatRelative } from './format-instant.js';

test.each([
  [0, 'now'], [999, 'now'], [1_000, '1 s'], [59_999, '59 s'], [60_000, '1 min'], [3_599_999, '59 min'], [86_400_000, '1 d'], [40 * 86_400_000, '1 mo'], [800 * 86_400_000, '2 y'],
  [-5_000, 'in 5 s'],
])('%d ms ago reads "%s"', (agoMs, text) => {
  expect(formatRelative(1e12 - agoMs, 1e12)).toBe(text);
});

test('in a sentence the past is "ago" and the future is not', () => {
  expect(formatRelative(0, 60_000, 'ago')).toBe('1 min ago');
  expect(formatRelative(60_000, 0, 'ago')).toBe('in 1 min');
});

test.each([
  [-3, '0 ms'], [8.4, '8 ms'], [999, '999 ms'], [1_000, '1.0 s'], [4_260, '4.2 s'], [9_999, '9.9 s'], [42_900, '42 s'], [187_400, '3 min 7 s'], [180_000, '3 min'],
  [7_500_000, '2 h 5 min'], [86_400_000, '1 d'], [40 * 86_400_000, '40 d'], [366 * 86_400_000, '1 y 1 d'],
])('%d ms lasts "%s"', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test('exact is to the millisecond, in UTC and where the reader is', () => {
  const atMs = Date.parse('2026-11-23T05:06:07.089Z');
  expect(formatExact(atMs)).toContain('2026-11-23 05:06:07.089 UTC');
  expect(formatClock(atMs)).toMatch(/^\d\d:\d6:07\.089$|^\d\d:\d\d:07\.089$/);
});
