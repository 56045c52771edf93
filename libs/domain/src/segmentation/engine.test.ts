import type { RuleNode, SegmentRule } from '@tributary/contracts/rule';
import { compileEngine, type Engine } from './engine.js';
import type { ProfileState } from './profile-state.js';
import type { EventEntry } from './rule-entry.js';
import { compilePattern } from './testing/replay.js';

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 2, 10, 12);

function engineOf(rules: { readonly [key: string]: RuleNode | { readonly rule: RuleNode; readonly stay: RuleNode } }): Engine {
  const segments = Object.entries(rules).map(([key, one]): SegmentRule => ('rule' in one ? { key, version: 1, ...one } : { key, version: 1, rule: one }));
  return compileEngine({ segments, timezone: 'UTC', purposes: { profiling: 'opt-out' }, compilePattern });
}

let ids = 0;
function track(name: string, atMs: number, properties: object = {}): EventEntry {
  return { kind: 'event', type: 'track', name, messageId: `m${(ids += 1)}`, timestampMs: atMs, appendedAtMs: atMs, readBody: () => ({ properties: properties as never }) };
}

function feed(engine: Engine, state: ProfileState, entries: readonly EventEntry[]) {
  return entries.flatMap((entry) => [...engine.advance(state, entry.appendedAtMs), ...engine.apply(state, entry)]);
}

describe('a profile with more events in a window than are kept one by one', () => {
  const engine = engineOf({
    frequent: { performed: 'View', within: '60d', count: { op: 'gte', value: 3 } },
    many: { performed: 'View', within: '30d', count: { op: 'gte', value: 9_000 } },
    spender: { performed: 'View', within: '60d', aggregate: { fn: 'sum', property: 'v' }, op: 'gte', value: 9_999 },
    viewedThenLeft: { sequence: [{ performed: 'View' }, { performed: 'Leave' }], within: '60d' },
  });
  const state = engine.newState('busy');
  // More than a minute apart, so that the tiles become too many too.
  const started = NOW_MS - 10_000 * 61_000;

  beforeAll(() => {
    for (let i = 0; i < 10_000; i += 1) feed(engine, state, [track('View', started + i * 61_000, { v: 1 })]);
  });

  test('thresholds that need few events stay exact, the others say that they are approximate', () => {
    expect(engine.explain(state, 'frequent', NOW_MS)!.why.approximate).toBeUndefined();
    for (const key of ['many', 'spender', 'viewedThenLeft']) expect(engine.explain(state, key, NOW_MS)!.why.approximate).toBe(true);
    expect([...engine.members(state).keys()].sort()).toEqual(['frequent', 'many', 'spender']);
    expect(engine.explain(state, 'many', NOW_MS)!.why.actual).toBe(10_000);
    expect(engine.explain(state, 'spender', NOW_MS)!.why.actual).toBe(10_000);
  });

  test('its state is bounded', () => {
    expect(engine.encode(state).length).toBeLessThan(250_000);
  });

  test('a late event among the old ones is counted', () => {
    feed(engine, state, [{ ...track('View', NOW_MS, { v: 1 }), timestampMs: started + 5 }]);
    expect(engine.explain(state, 'many', NOW_MS)!.why.actual).toBe(10_001);
    const read = engine.decode(engine.encode(state), 'busy');
    expect(engine.explain(read, 'many', NOW_MS)!.why.actual).toBe(10_001);
  });
});

describe('explaining', () => {
  const engine = engineOf({
    vip: { and: [{ performed: 'Order', within: '30d', count: { op: 'gte', value: 2 } }, { not: { trait: 'plan', op: 'equals', value: 'free' } }] },
    calm: { and: [{ segment: 'vip' }, { not: { performed: 'Complaint', within: '7d' } }] },
    warm: { rule: { score: 'engagement', op: 'gt', value: 80 }, stay: { score: 'engagement', op: 'gte', value: 50 } },
  });
  const state = engine.newState('p');
  const orders = [track('Order', NOW_MS - 20 * DAY_MS), track('Order', NOW_MS - 10 * DAY_MS)];
  feed(engine, state, [...orders, track('Complaint', NOW_MS - 2 * DAY_MS)]);

  test('says node by node what was found, and by which events', () => {
    const { member, sinceMs, flipsAtMs, why } = engine.explain(state, 'vip', NOW_MS)!;
    expect({ member, sinceMs, flipsAtMs }).toEqual({ member: true, sinceMs: NOW_MS - 10 * DAY_MS, flipsAtMs: NOW_MS + 10 * DAY_MS });
    expect(why).toMatchObject({
      node: 'and', path: '/rule', holds: true,
      children: [
        { node: 'performed', path: '/rule/and/0', holds: true, actual: 2, events: orders.map(({ name, timestampMs }) => ({ name, timestampMs })), children: [] },
        { node: 'not', path: '/rule/and/1', holds: true, children: [{ node: 'trait', path: '/rule/and/1/not', holds: false, actual: null }] },
      ],
    });
  });

  test('goes into named segments, and finds the flip behind leaves that flip in vain', () => {
    const { member, flipsAtMs, why } = engine.explain(state, 'calm', NOW_MS)!;
    expect({ member, flipsAtMs }).toEqual({ member: false, flipsAtMs: NOW_MS + 5 * DAY_MS });
    expect(why.children[0]).toMatchObject({ node: 'segment', path: '/rule/and/0', holds: true, children: [{ node: 'and', path: '/rule', holds: true }] });
  });

  test('shows both rules of a segment with memory', () => {
    engine.apply(state, { kind: 'score', appendedAtMs: NOW_MS, scores: { engagement: 85_000_000 } });
    engine.apply(state, { kind: 'score', appendedAtMs: NOW_MS + 1, scores: { engagement: 60_000_000 } });
    expect(engine.explain(state, 'warm', NOW_MS + 1)).toMatchObject({
      member: true, flipsAtMs: null, why: { node: 'stay', holds: true, actual: 'inside', children: [{ path: '/rule', holds: false, actual: 60 }, { path: '/stay', holds: true, actual: 60 }] },
    });
  });

  test('changes nothing, and knows no segments that there are not', () => {
    const before = engine.encode(state);
    engine.explain(state, 'vip', NOW_MS + 100 * DAY_MS);
    expect(engine.encode(state).equals(before)).toBe(true);
    expect(engine.explain(state, 'nobody', NOW_MS)).toBeUndefined();
  });
});

test('a flip names the leaves that flipped and the event that did it', () => {
  const engine = engineOf({ a: { and: [{ trait: 'x', op: 'notExists' }, { performed: 'A', within: '1h', count: { op: 'gte', value: 2 } }] } });
  const state = engine.newState('p');
  const events = [track('A', NOW_MS), track('A', NOW_MS + 1)];
  expect(feed(engine, state, events)).toEqual([{
    segment: 'a', version: 1, change: 'entered', atMs: NOW_MS + 1, by: 'event', nodes: [{ path: '/rule/and/1', holds: true, actual: 2 }],
    event: { messageId: events[1]!.messageId, name: 'A', timestampMs: NOW_MS + 1 },
  }]);
  expect(engine.dueMs(state)).toBe(NOW_MS + 3_600_000);
  expect(engine.advance(state, NOW_MS + 3_600_000)).toEqual([]);
  expect(engine.advance(state, NOW_MS + 3_600_001)).toEqual([
    { segment: 'a', version: 1, change: 'left', atMs: NOW_MS + 3_600_000, by: 'time', nodes: [{ path: '/rule/and/1', holds: false, actual: 1 }] },
  ]);
});

test('the due instant is that of the event that decides, not of the first that leaves', () => {
  const engine = engineOf({ twice: { performed: 'A', within: '1d', count: { op: 'gte', value: 2 } } });
  const state = engine.newState('p');
  feed(engine, state, [1, 2, 3, 4, 5].map((hour) => track('A', NOW_MS + hour * 3_600_000)));
  expect(engine.dueMs(state)).toBe(NOW_MS + DAY_MS + 4 * 3_600_000);
});

test('after a merge a withdrawal that stood for either stands until a decision made after it', () => {
  const engine = engineOf({ asked: { consent: 'email_marketing', is: 'granted' }, refused: { consent: 'email_marketing', is: 'withdrawn' } });
  const decide = (state: ProfileState, decision: 'granted' | 'withdrawn', occurredAtMs: number, appendedAtMs = occurredAtMs) =>
    engine.apply(state, { kind: 'consent', appendedAtMs, purpose: 'email_marketing', decision, occurredAtMs }).map((flip) => `${flip.segment} ${flip.change}`);
  const [survivor, loser] = [engine.newState('s'), engine.newState('l')];
  decide(loser, 'withdrawn', 100);
  decide(survivor, 'granted', 200);
  expect(engine.merge(survivor, loser, 300).map((flip) => `${flip.segment} ${flip.change} ${flip.by} ${flip.atMs}`)).toEqual(['asked left merge 300', 'refused entered merge 300']);
  expect(decide(survivor, 'granted', 250, 400)).toEqual([]);
  expect(decide(survivor, 'granted', 300, 401)).toEqual([]);
  expect(decide(survivor, 'granted', 301, 402)).toEqual(['asked entered', 'refused left']);
});

test('after a merge a person counts as inside if either was', () => {
  const engine = engineOf({ warm: { rule: { performed: 'A', within: '1h' }, stay: { performed: 'B' } } });
  const [survivor, loser] = [engine.newState('s'), engine.newState('l')];
  feed(engine, loser, [track('B', NOW_MS), track('A', NOW_MS + 1)]);
  feed(engine, survivor, [track('C', NOW_MS)]);
  engine.advance(loser, NOW_MS + DAY_MS);
  expect(engine.merge(survivor, loser, NOW_MS + DAY_MS).map((flip) => flip.change)).toEqual(['entered']);
  expect(engine.merge(survivor, loser, NOW_MS + DAY_MS)).toEqual([]);
});

test('an engine says which events it must see, and when it needs the body', () => {
  const engine = engineOf({ a: { performed: 'A' }, b: { performed: 'B', where: [{ property: 'x', op: 'exists' }] }, c: { trait: 'plan', op: 'exists' } });
  expect([['track', 'A'], ['track', 'B'], ['track', 'C'], ['identify', ''], ['group', ''], ['track', 'Consent Updated']].map(([type, name]) => engine.interest(type!, name!))).toEqual(['header', 'body', 'none', 'body', 'none', 'body']);
  const state = engine.newState('p');
  engine.apply(state, { ...track('A', 1), readBody: () => { throw new Error('not needed'); } });
  engine.apply(state, { ...track('C', 2), readBody: () => { throw new Error('not needed'); } });
});

test('bytes that are no state, or end too soon, are refused', () => {
  const engine = engineOf({ a: { performed: 'A', within: '1d' } });
  const state = engine.newState('p');
  feed(engine, state, [track('A', NOW_MS)]);
  const bytes = engine.encode(state);
  expect(() => engine.decode(bytes.subarray(0, bytes.length - 3), 'p')).toThrow();
  expect(() => engine.decode(Buffer.concat([bytes, Buffer.from([0])]), 'p')).toThrow('too many');
  expect(() => engine.decode(Buffer.from([9, ...bytes.subarray(1)]), 'p')).toThrow('format 9');
});

test('segments that name each other in a circle, or nobody, make no engine', () => {
  expect(() => engineOf({ a: { segment: 'b' }, b: { not: { segment: 'a' } } })).toThrow('depends on itself');
  expect(() => engineOf({ a: { segment: 'b' } })).toThrow('which there is not');
});
