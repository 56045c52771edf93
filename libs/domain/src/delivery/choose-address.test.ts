import { chooseAddress, isAddress } from './choose-address.js';
import cases from './choose-address.cases.json' with { type: 'json' };

describe('where to write to', () => {
  test.each(cases)('$name', ({ identifiers, trait, expect: expected }) => {
    expect(chooseAddress(identifiers, trait)).toEqual(expected);
  });

  test('255 characters are too many, 254 are not', () => {
    const domain = `${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(58)}`;
    const longest = `${'a'.repeat(64)}@${domain}.${'e'.repeat(8)}`;
    expect(longest).toHaveLength(254);
    expect(isAddress(longest)).toBe(true);
    expect(isAddress(`${longest}e`)).toBe(false);
  });
});
