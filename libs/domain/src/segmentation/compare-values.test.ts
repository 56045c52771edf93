import fc from 'fast-check';
import { equalValues, indexKey, orderTexts, valueKey } from './compare-values.js';

test('texts are in the order of their UTF-8 bytes', () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme-composite' }), fc.string({ unit: 'binary' }), (a, b) => {
    expect(Math.sign(orderTexts(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }), { numRuns: 300 });
  for (const [a, b] of [['\u{1d4b3}', '\uff5e'], ['\ue000', '\u{10000}'], ['a', ''], ['é', 'z'], ['\ud7ff', '\ue000']] as const) {
    expect(Math.sign(orderTexts(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }
});

test('two values have one key exactly where they are equal', () => {
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 2 }), fc.jsonValue({ maxDepth: 2 }), (a, b) => {
    const equal = equalValues(a as never, b as never);
    expect(valueKey(a as never) === valueKey(b as never)).toBe(equal);
    expect(indexKey(a as never) === indexKey(b as never)).toBe(equal);
  }), { numRuns: 500 });
  expect(indexKey('"a"')).not.toBe(indexKey(['a']));
  expect(indexKey('1')).not.toBe(indexKey(1));
  expect(valueKey(-0)).toBe(valueKey(0));
});
