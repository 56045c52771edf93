import { judgeFreshness } from './judge-freshness.js';

const asOf = '2026-11-23T12:00:00.000Z';
const atMs = Date.parse(asOf);

test.each([
  ['before the first event there is nothing to be behind', { asOf: null, lagMs: null }, { appendedMs: null, isWatching: true }, 'empty'],
  ['a few milliseconds do not matter', { asOf, lagMs: 40 }, { appendedMs: atMs + 20, isWatching: true }, 'fresh'],
  ['an old instant is no lag where nothing has come in since', { asOf, lagMs: 600_000 }, { appendedMs: atMs - 1, isWatching: true }, 'quiet'],
  ['nor where nothing was seen at all', { asOf, lagMs: 600_000 }, { appendedMs: null, isWatching: true }, 'quiet'],
  ['an event that is known and not counted is a lag', { asOf, lagMs: 4_200 }, { appendedMs: atMs, isWatching: true }, 'behind'],
  ['also if the stream broke off since', { asOf, lagMs: 4_200 }, { appendedMs: atMs, isWatching: false }, 'behind'],
  ['without the stream an old instant is just that', { asOf, lagMs: 4_200 }, { appendedMs: null, isWatching: false }, 'unknown'],
] as const)('%s', (_, segment, newest, verdict) => {
  expect(judgeFreshness(segment, newest)).toBe(verdict);
});
