import type { ProfileChange, ProfileEvent } from '../../api/profiles.js';
import { mergeTimeline } from './merge-timeline.js';

const event = (messageId: string, second: number): ProfileEvent => ({ messageId, type: 'track', name: 'x', timestamp: new Date(second * 1_000).toISOString(), body: {} });
const change = (sequence: number, second: number): ProfileChange => ({ segment: 'vip', change: 'entered', cause: 'event', sequence, effectiveAt: new Date(second * 1_000).toISOString() });
const keys = (...parts: Parameters<typeof mergeTimeline>) => mergeTimeline(...parts).map(({ key }) => key);

test('newest first, and at one instant the change after the event that did it', () => {
  expect(keys([event('a', 1), event('b', 3)], [change(1, 1), change(2, 4)])).toEqual(['change 2', 'event b', 'change 1', 'event a']);
});

test('changes at one instant are in their sequence', () => {
  expect(keys([], [change(7, 5), change(9, 5), change(8, 5)])).toEqual(['change 9', 'change 8', 'change 7']);
});

test('what the live stream and the history both tell is shown once', () => {
  expect(keys([event('a', 1), event('a', 1)], [change(1, 2), change(1, 2)])).toEqual(['change 1', 'event a']);
});
