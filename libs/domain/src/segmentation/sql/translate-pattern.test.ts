import { RE2JS } from 're2js';
import { translatePattern } from './translate-pattern.js';

/** What the translation uses of PostgreSQL's syntax means the same in JavaScript with the flags u and s. */
function asPostgres(translated: string): RegExp {
  return new RegExp(translated.replace(/\\u([0-9a-f]{4})/g, '\\u$1'), 'u');
}

describe('a translated pattern', () => {
  const patterns = [
    '', 'abc', 'a|', '|', 'a|b|cd', '^a', 'a$', '^$', 'a.c', 'a\\.c', '[abc]', '[^abc]', '[a-c]x', '[]a]', '[^]a]', '[a-]', '[a\\-c]', '[.]',
    '\\d+', '\\D', '\\w\\W', '\\s', '\\S', '[\\d_]', '[\\s]', '\\bcole\\b', 'a*', 'a+b?', '(ab)+', '(?:ab){2}', 'a{2,}', 'a{1,2}c', 'a{0}', 'a+?b', '(a|b)*c$',
    'x{2}y', '\\t', '\\n', 'a b', 'é+', '😀', '[😀-😂]', '\\$\\^', 'a-b', '#', '"', "'",
  ];
  const texts = [
    '', 'a', 'b', 'c', 'abc', 'a.c', 'aXc', 'a\nc', 'ab', 'abab', 'cd', 'x', 'ax', 'bx', '1', '12_', '_', ' ', '\t', '\n', 'école', 'cole', 'aac', 'aaac', 'é', 'éé',
    '😀', '😁', '$^', 'a-b', ']', '-', '\\', '#', '"\'', 'xxy', '\u0663', '\u00a0', '\u000b', 'a b',
  ];

  test.each(patterns)('%p matches what RE2 matches', (pattern) => {
    const translated = translatePattern({ pattern, ignoreCase: false });
    expect(translated).toBeDefined();
    const re2 = RE2JS.compile(pattern);
    const matched = (matches: (text: string) => boolean) => texts.filter(matches);
    expect(matched((text) => asPostgres(translated!).test(text))).toEqual(matched((text) => re2.matcher(text).find()));
  });
});

test.each(['(?i)a', '(?P<x>a)', '\\pL', '[[:alpha:]]', '\\x41', '\\Qa.b\\E', '\\A', '\\z', 'a{300}', '(^a)*', '(?:a\\b)+', '\\C', 'a{2', '{'])(
  '%p is left to the caller',
  (pattern) => {
    expect(translatePattern({ pattern, ignoreCase: false })).toBeUndefined();
  },
);
