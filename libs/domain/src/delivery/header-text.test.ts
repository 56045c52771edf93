import { HEADER_TEXT_MAX, headerText } from './header-text.js';

describe('text for a header', () => {
  test.each([
    ['a line break and a header', 'Hi\r\nBcc: eve@e.example', 'Hi Bcc: eve@e.example'],
    ['a lone line feed', 'a\nb', 'a b'],
    ['a lone carriage return', 'a\rb', 'a b'],
    ['Unicode line separators', 'a\u2028b\u2029c\u0085d', 'a b c d'],
    ['a null byte', 'a\u0000b', 'ab'],
    ['an override of direction', 'invoice\u202Efdp.exe', 'invoicefdp.exe'],
    ['white space at both ends and in the middle', '  Hi   Ann \n', 'Hi Ann'],
    ['emoji and other scripts', 'Здравствуй 🎉', 'Здравствуй 🎉'],
  ])('%s', (_, text, expected) => {
    expect(headerText(text)).toBe(expected);
  });

  test('is cut to what fits, not through a character', () => {
    expect(headerText('x'.repeat(HEADER_TEXT_MAX))).toHaveLength(HEADER_TEXT_MAX);
    const cut = headerText(`${'x'.repeat(HEADER_TEXT_MAX - 2)}🎉🎉`);
    expect(cut).toBe(`${'x'.repeat(HEADER_TEXT_MAX - 2)}…`);
  });
});
