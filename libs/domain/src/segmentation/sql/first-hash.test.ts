import { firstHash } from './first-hash.js';

test.each([
  [0, '0000000000000000'],
  [50, '8000000000000000'],
  [25, '4000000000000000'],
  [10, '199999999999999a'],
  [33.3, '553f7ced916872b1'],
  [99.99999999999999, 'fffffffffffff8cc'],
  [1e-18, '0000000000000001'],
  [1e-7, '000000044b82fa0a'],
])('the first hash of bucket %p is %p', (percent, hash) => {
  expect(firstHash(percent)).toBe(hash);
});
