import { judge, type Told } from './judge.ts';
import { flipKey, type KnownEvent, replayTruth } from './replay-truth.ts';
import type { WindowedSegment } from './windowed-segments.ts';

const TWICE: WindowedSegment = { key: 's', name: 'Twice in ten seconds', rule: { performed: 'Viewed', within: '10s', count: { op: 'gte', value: 2 } } };
const KEY = flipKey('u', 's');

function anEvent(messageId: string, appendedMs: number, timestampMs = appendedMs): KnownEvent {
  return { user: 'u', name: 'Viewed', messageId, timestampMs, appendedMs };
}

const truthOf = (...events: KnownEvent[]) => replayTruth(events, [TWICE], 100_000).get(KEY)?.map(({ change, effectiveMs }) => [change, effectiveMs]);
const told = (...flips: [Told['change'], number][]) => new Map([[KEY, flips.map(([change, effectiveMs]) => ({ change, effectiveMs, readMs: effectiveMs }))]]);

test('a window ends for its oldest event to the millisecond', () => {
  expect(truthOf(anEvent('a', 1_000), anEvent('b', 3_000))).toEqual([['entered', 3_000], ['left', 11_000]]);
});

test('a repeated message counts once, a late one from when it is known', () => {
  expect(truthOf(anEvent('a', 1_000), anEvent('a', 1_005))).toBeUndefined();
  expect(truthOf(anEvent('a', 9_000, 2_000), anEvent('b', 5_000))).toEqual([['entered', 9_000], ['left', 12_000]]);
});

test('an event of the very instant at which another one leaves keeps the person in', () => {
  expect(truthOf(anEvent('a', 1_000), anEvent('b', 3_000), anEvent('c', 11_000))).toEqual([['entered', 3_000], ['left', 13_000]]);
});

test('what was told is compared by instant, by members at the end, and by time', () => {
  const truth = replayTruth([anEvent('a', 1_000), anEvent('b', 3_000)], [TWICE], 100_000);
  expect(judge(truth, told(['entered', 3_000], ['left', 11_000]), 20_000)).toEqual({ flips: 2, exact: 2, others: 0, wrongAtEnd: 0, wrongSeconds: 0, memberSeconds: 8 });
  expect(judge(truth, told(['entered', 3_000], ['left', 13_000]), 20_000)).toEqual({ flips: 2, exact: 1, others: 1, wrongAtEnd: 0, wrongSeconds: 2, memberSeconds: 8 });
  expect(judge(truth, told(['entered', 3_000]), 20_000)).toEqual({ flips: 2, exact: 1, others: 0, wrongAtEnd: 1, wrongSeconds: 9, memberSeconds: 8 });
  expect(judge(truth, told(['entered', 3_000], ['left', 5_000], ['entered', 6_000], ['left', 11_000]), 20_000)).toMatchObject({ exact: 2, others: 2, wrongSeconds: 1 });
});
