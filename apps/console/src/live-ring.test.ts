import { LiveRing } from './live-ring.js';

function ringOf(capacity: number, count: number): LiveRing<number> {
  const ring = new LiveRing<number>(capacity);
  for (let n = 0; n < count; n++) ring.push(n);
  return ring;
}

test('a reader that keeps up gets everything once, in order', () => {
  const ring = ringOf(4, 3);
  expect(ring.read(0)).toEqual({ items: [0, 1, 2], lost: 0, next: 3 });
  ring.push(3);
  expect(ring.read(3)).toEqual({ items: [3], lost: 0, next: 4 });
  expect(ring.read(4)).toEqual({ items: [], lost: 0, next: 4 });
});

test('after a new beginning nothing of before is given, and nothing counts as lost', () => {
  const ring = ringOf(4, 3);
  ring.clear();
  expect(ring.read(1)).toEqual({ items: [], lost: 0, next: 3 });
  ring.push(3);
  expect(ring.first).toBe(3);
  expect(ring.read(1)).toEqual({ items: [3], lost: 0, next: 4 });
});

test('a reader that is too slow loses the oldest and learns how many', () => {
  expect(ringOf(4, 11).read(2)).toEqual({ items: [7, 8, 9, 10], lost: 5, next: 11 });
});
