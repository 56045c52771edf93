import { decodeAttribute, encodeAttribute, isWebUrl, rewriteLinks } from './rewrite-links.js';
import cases from './rewrite-links.cases.json' with { type: 'json' };

describe('the links of a mail', () => {
  test.each(cases)('$name', ({ html, expect: expected }) => {
    expect(rewriteLinks(html, (url) => (url.startsWith('https://keep.example') ? null : `T[${url}]`))).toBe(expected);
  });

  test.each(['//evil.example', '\\\\evil.example', 'https:evil.example', '/path', 'javascript:alert(1)', 'ftp://x.example', 'https://a@evil.example', 'https:///x'])(
    '%s is no address of the web',
    (url) => {
      expect(isWebUrl(url)).toBe(false);
    },
  );

  test('an attribute says what it said after encoding and decoding', () => {
    const text = `&amp; <b> "x" 'y' &#106; &`;
    expect(decodeAttribute(encodeAttribute(text))).toBe(text);
  });
});
