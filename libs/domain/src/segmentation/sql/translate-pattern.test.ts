import { translatePattern } from './translate-pattern.js';

test.each([
  ['', '(?:)'],
  ['a|b', '(?:a|b)'],
  ['a.c', 'a[^\\n]c'],
  ['^\\d{2,3}?$', '^(?:[0-9]){2,3}$'],
  ['[^\\s_]', '[^\\t\\n\\f\\r \\u005f]'],
  ['***=a', undefined],
  ['a(b|c)*', 'a(?:(?:(?:b|c)))*'],
])('%p becomes %p', (pattern, translated) => {
  expect(translatePattern({ pattern, ignoreCase: false })).toBe(translated);
});

test('without case the pattern is lower-cased, as the text will be', () => {
  expect(translatePattern({ pattern: 'GOLD\\D', ignoreCase: true })).toBe('gold[^0-9]');
});

test.each(['(?i)a', '(?P<x>a)', '\\pL', '[[:alpha:]]', '\\x41', '\\Qa.b\\E', '\\A', '\\z', 'a{300}', '(^a)*', '(?:a\\b)+', '\\C', 'a{2', '{', 'a**'])(
  '%p is left to the caller',
  (pattern) => {
    expect(translatePattern({ pattern, ignoreCase: false })).toBeUndefined();
  },
);
