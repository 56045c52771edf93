import type { Problem } from './problem.js';
import { RateLimit } from './rate-limit.js';

let nowMs = 0;
beforeEach(() => {
  nowMs = 1_000_000;
});

const aLimit = (perSecond = 10, burst = 20) => new RateLimit({ perSecond, burst }, () => nowMs);

/** Seconds to wait, or null where it was let through. */
function taken(limit: RateLimit, caller: string, cost?: number): number | null {
  try {
    limit.take(caller, cost);
    return null;
  } catch (error) {
    expect(error).toMatchObject({ status: 429, code: 'too_many_requests' });
    return (error as Problem).retryAfterSeconds as number;
  }
}

test('after a rest the burst may be taken at once, then as much as comes back', () => {
  const limit = aLimit();
  for (let i = 0; i < 20; i++) expect(taken(limit, 'a')).toBeNull();
  expect(taken(limit, 'a')).toBe(1);
  nowMs += 100;
  expect(taken(limit, 'a')).toBeNull();
  expect(taken(limit, 'a')).toBe(1);
});

test('who waits as long as it was told is let through', () => {
  const limit = aLimit();
  taken(limit, 'a', 20);
  const seconds = taken(limit, 'a', 15)!;
  expect(seconds).toBe(2);
  nowMs += seconds * 1_000;
  expect(taken(limit, 'a', 15)).toBeNull();
});

test('being refused costs nothing, and one caller nothing to another', () => {
  const limit = aLimit();
  taken(limit, 'a', 20);
  for (let i = 0; i < 100; i++) taken(limit, 'a');
  nowMs += 100;
  expect(taken(limit, 'a')).toBeNull();
  expect(taken(limit, 'b', 20)).toBeNull();
});

test('a request larger than the burst can be made after a rest', () => {
  expect(taken(aLimit(), 'a', 1_000)).toBeNull();
});

test('a clock that goes back gives nothing and takes nothing', () => {
  const limit = aLimit();
  taken(limit, 'a', 20);
  nowMs -= 60_000;
  expect(taken(limit, 'a')).toBe(1);
  nowMs += 100;
  expect(taken(limit, 'a')).toBeNull();
});

test('of many callers the longest silent is forgotten first', () => {
  const limit = aLimit(1, 1);
  limit.take('first');
  for (let i = 0; i < 10_000; i++) limit.take(`caller ${i}`);
  expect(taken(limit, 'first')).toBeNull();
  expect(taken(limit, 'caller 9999')).toBe(1);
});

test('0 a second means no limit', () => {
  const limit = aLimit(0, 0);
  for (let i = 0; i < 1_000; i++) expect(taken(limit, 'a')).toBeNull();
});
