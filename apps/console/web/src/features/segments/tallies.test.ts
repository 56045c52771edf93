import { STEPS, Tallies } from './tallies.js';

test('counts go on for ever, steps only as long as they are drawn', () => {
  const tallies = new Tallies();
  tallies.add('vip', 2, 0, 5_000);
  tallies.add('vip', 1, 3, 9_999);
  tallies.add('vip', 0, 1, 10_000);
  expect(tallies.of('vip', 19_999)).toMatchObject({ entered: 3, left: 4 });
  expect(tallies.of('vip', 19_999).steps.slice(-2)).toEqual([[3, 3], [0, 1]]);
  expect(tallies.of('vip', 10_000_000).steps).toEqual(Array.from({ length: STEPS }, () => [0, 0]));
  expect(tallies.of('vip', 10_000_000)).toMatchObject({ entered: 3, left: 4 });
});

test('a segment without changes has none', () => {
  expect(new Tallies().of('vip', 0)).toMatchObject({ entered: 0, left: 0 });
});
