import fc from 'fast-check';
import cases from './parse-instant.cases.json' with { type: 'json' };
import { parseInstant } from './parse-instant.js';

describe('an instant', () => {
  test.each(cases)('$name', ({ value, ms }) => {
    expect(parseInstant(value)).toBe(ms);
  });

  test('as JavaScript prints it reads as itself', () => {
    fc.assert(fc.property(fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 }), (ms) => parseInstant(new Date(ms).toISOString()) === ms));
  });
});
