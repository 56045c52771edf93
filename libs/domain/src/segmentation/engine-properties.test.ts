import fc from 'fast-check';
import type { RuleEntry } from './rule-entry.js';
import { history } from './testing/arbitrary-history.js';
import { segments, ZONES } from './testing/arbitrary-rules.js';
import { naiveTimeline } from './testing/naive-timeline.js';
import { AFTER_MS, brief, engineOf, feed, memberKeys, PURPOSES, replay, SETTINGS, world } from './testing/replay.js';

const lastOf = (entries: readonly RuleEntry[]): number => entries.at(-1)!.appendedAtMs;

test('every change is the one that brute force finds, at the same millisecond', () => {
  fc.assert(fc.property(world, history(), (options, entries) => {
    const untilMs = lastOf(entries) + AFTER_MS;
    expect(brief(replay(options, entries, untilMs))).toEqual(brief(naiveTimeline(options, entries, untilMs)));
  }), SETTINGS);
});

test('changes of a segment alternate, beginning with entered, and never go back in time', () => {
  fc.assert(fc.property(world, history(), (options, entries) => {
    const inside = new Set<string>();
    let last = -Infinity;
    for (const flip of replay(options, entries, lastOf(entries) + AFTER_MS)) {
      expect(flip.change === 'entered').toBe(!inside.has(flip.segment));
      if (flip.change === 'entered') inside.add(flip.segment);
      else inside.delete(flip.segment);
      expect(flip.atMs).toBeGreaterThanOrEqual(last);
      last = flip.atMs;
    }
  }), SETTINGS);
});

test('a state that is stored and read back after every entry goes on as if it had not been', () => {
  fc.assert(fc.property(world, history(), (options, entries) => {
    const engine = engineOf(options);
    let state = engine.newState(options.profileId);
    const flips = entries.flatMap((entry) => {
      const made = feed(engine, state, [entry]);
      const bytes = engine.encode(state);
      const read = engine.decode(bytes, options.profileId);
      expect(engine.dueMs(read)).toBe(engine.dueMs(state));
      expect(engine.members(read)).toEqual(engine.members(state));
      expect(engine.encode(read).equals(bytes)).toBe(true);
      state = read;
      return made;
    });
    const untilMs = lastOf(entries) + AFTER_MS;
    flips.push(...engine.advance(state, untilMs + 1));
    expect(brief(flips)).toEqual(brief(replay(options, entries, untilMs)));
  }), SETTINGS);
});

test('an entry that comes again changes nothing', () => {
  fc.assert(fc.property(world, history(), (options, entries) => {
    const engine = engineOf(options);
    const state = engine.newState(options.profileId);
    for (const entry of entries) {
      feed(engine, state, [entry]);
      expect(engine.apply(state, entry)).toEqual([]);
    }
  }), SETTINGS);
});

/** Facts whose order of arrival must not matter: everything but what is last told wins. */
const facts = history().map((entries) => entries.filter((entry) => (entry.kind === 'event' && entry.scores === undefined) || entry.kind === 'consent')).filter((entries) => entries.length > 0);
const memoryless = world.map((options) => ({ ...options, segments: options.segments.map(({ key, version, rule }) => ({ key, version, rule })) }));

test('entries of one millisecond may come in any order', () => {
  fc.assert(fc.property(memoryless, facts, fc.integer(), (options, entries, salt) => {
    const shuffled = entries.map((entry, i) => ({ entry, sort: Math.imul(i + 1, salt | 1) })).sort((a, b) => a.entry.appendedAtMs - b.entry.appendedAtMs || a.sort - b.sort).map(({ entry }) => entry);
    const untilMs = lastOf(entries) + AFTER_MS;
    const settled = (all: readonly RuleEntry[]): string[] => {
      const engine = engineOf(options);
      const state = engine.newState(options.profileId);
      const instants = [...new Set(all.map((entry) => entry.appendedAtMs))];
      const seen = instants.map((at) => {
        feed(engine, state, all.filter((entry) => entry.appendedAtMs === at));
        engine.advance(state, at + 1);
        return `${at} ${memberKeys(engine, state).join()}`;
      });
      return [...seen, ...brief(engine.advance(state, untilMs))];
    };
    expect(settled(shuffled)).toEqual(settled(entries));
  }), SETTINGS);
});

test('merging two profiles gives what one profile with all their events has', () => {
  const events = (prefix: string): fc.Arbitrary<RuleEntry[]> => history({ prefix, max: 8 }).map((all) => all.filter((entry) => entry.kind === 'event' && entry.scores === undefined && entry.name !== 'Consent Updated')).filter((all) => all.length > 0);
  fc.assert(fc.property(memoryless, events('a'), events('b'), (options, own, other) => {
    const engine = engineOf(options);
    const atMs = Math.max(lastOf(own), lastOf(other)) + 1_000;
    const stateOf = (entries: readonly RuleEntry[]): ReturnType<typeof engine.newState> => {
      const state = engine.newState(options.profileId);
      feed(engine, state, entries);
      engine.advance(state, atMs);
      return state;
    };
    const all = [...own, ...other].sort((a, b) => a.appendedAtMs - b.appendedAtMs);
    const [merged, turned, union] = [stateOf(own), stateOf(other), stateOf(all)];
    const before = new Set(memberKeys(engine, merged));
    const flips = engine.merge(merged, stateOf(other), atMs);
    engine.merge(turned, stateOf(own), atMs);
    engine.advance(union, atMs + 1);
    for (const flip of flips) expect(flip.change === 'entered').toBe(!before.has(flip.segment));
    const settled = [merged, turned, union].map((state) => {
      engine.advance(state, atMs + 1);
      return memberKeys(engine, state);
    });
    expect(settled[0]).toEqual(settled[2]);
    expect(settled[1]).toEqual(settled[2]);
    expect(engine.merge(merged, stateOf(other), atMs)).toEqual([]);
    const later = [merged, turned, union].map((state) => brief(engine.advance(state, atMs + AFTER_MS)));
    expect(later[0]).toEqual(later[2]);
    expect(later[1]).toEqual(later[2]);
  }), SETTINGS);
});

test('the rules may name what they like: the world of the tests is not empty', () => {
  const samples = fc.sample(fc.tuple(world, history()), { numRuns: 200, seed: 1 });
  const flips = samples.flatMap(([options, entries]) => replay(options, entries, lastOf(entries) + AFTER_MS));
  expect(flips.filter((flip) => flip.by === 'time').length).toBeGreaterThan(30);
  expect(flips.filter((flip) => flip.change === 'left').length).toBeGreaterThan(30);
});

void [segments, ZONES, PURPOSES];
