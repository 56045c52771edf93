import { tidyLines, tidyText } from './tidy-text.js';

test.each([
  ['  Ann   Lee ', 'Ann Lee'],
  ['Ann\u00a0Lee\t', 'Ann Lee'],
  ['Ann\nLee', 'Ann Lee'],
  ['\ufeffAnn\u200bLee', 'AnnLee'],
  ['Jose\u0301', 'José'],
  ['O\u0000K', 'OK'],
  ['   ', ''],
  ['', ''],
  ['JANE', 'JANE'],
  ['\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645', '\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645'],
  ['👩\u200d💻', '👩\u200d💻'],
])('%j is tidied to %j', (text, expected) => {
  expect(tidyText(text)).toBe(expected);
  expect(tidyText(tidyText(text))).toBe(expected);
});

test('lines stay lines', () => {
  expect(tidyLines(' 1  Main St \r\n\n Springfield ')).toBe('1 Main St\nSpringfield');
});
