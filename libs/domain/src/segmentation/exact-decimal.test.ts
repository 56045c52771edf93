import fc from 'fast-check';
import { addWhole, ceilingOf, decimalOf, toMicros } from './exact-decimal.js';

test.each([
  [0.1, 100_000], [-0.1, -100_000], [19.99, 19_990_000], [1e-7, 0], [0.0000005, 1], [-0.0000005, -1], [0.00000049, 0], [2.5000005, 2_500_001], [1.0000005, 1_000_001],
  [4_000_000.0000005, 4_000_000_000_001], [9_007_199_254, 9_007_199_254_000_000], [1e16, 10_000_000_000_000_000_000_000n], [1e21, 10n ** 27n], [-1.5e300, -15n * 10n ** 305n], [5e-324, 0], [0, 0],
])('%d in millionths', (value, micros) => {
  expect(toMicros(value)).toBe(micros);
});

test('millionths are those of the decimal that the number is printed as', () => {
  fc.assert(fc.property(fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.tuple(fc.integer(), fc.integer({ min: 0, max: 9 })).map(([digits, scale]) => digits / 10 ** scale)), (value) => {
    const { digits, scale } = decimalOf(value);
    const doubled = 2n * digits * 1_000_000n;
    const unit = 10n ** BigInt(scale);
    const micros = 2n * BigInt(toMicros(value)) * unit;
    const off = doubled > micros ? doubled - micros : micros - doubled;
    expect(off <= unit).toBe(true);
    if (off === unit) expect(digits < 0n ? micros < doubled : micros > doubled).toBe(true);
  }), { numRuns: 500 });
});

test('bounds are the least whole number that meets them', () => {
  expect(ceilingOf(2.5, 1n, false)).toBe(3);
  expect(ceilingOf(2.5, 1n, true)).toBe(3);
  expect(ceilingOf(3, 1n, false)).toBe(3);
  expect(ceilingOf(3, 1n, true)).toBe(4);
  expect(ceilingOf(-2.5, 1n, false)).toBe(-2);
  expect(ceilingOf(-3, 1n, true)).toBe(-2);
  expect(ceilingOf(0.1, 1_000_000n, false)).toBe(100_000);
  expect(ceilingOf(1e-7, 1_000_000n, true)).toBe(1);
});

test('sums are exact beyond the exact doubles, and come back', () => {
  const large = addWhole(Number.MAX_SAFE_INTEGER, 5);
  expect(large).toBe(9_007_199_254_740_996n);
  expect(addWhole(large, -10)).toBe(9_007_199_254_740_986);
});
