import { lowerCasePattern } from './lower-case-pattern.js';

test.each([
  ['GOLD', 'gold'],
  ['^[A-Z]\\D\\W\\bX$', '^[a-z]\\D\\W\\bx$'],
  ['\\PL\\p{Greek}ABC', '\\PL\\p{Greek}abc'],
  ['(?P<Name>A)(?U)B', '(?P<Name>a)(?U)b'],
  ['[[:^alpha:]A]', '[[:^alpha:]a]'],
  ['ΟΔΟΣ', 'οδος'],
  ['a\\\\D', 'a\\\\d'],
])('%p becomes %p', (pattern, lowered) => {
  expect(lowerCasePattern(pattern)).toBe(lowered);
});
