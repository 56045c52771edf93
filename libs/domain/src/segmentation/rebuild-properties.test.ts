import fc from 'fast-check';
import { type HistoryNeeds, planRebuild, rebuild } from './rebuild-state.js';
import type { RuleEntry } from './rule-entry.js';
import { history } from './testing/arbitrary-history.js';
import { segments, ZONES } from './testing/arbitrary-rules.js';
import { AFTER_MS, brief, engineOf, feed, memberKeys, PURPOSES, SETTINGS } from './testing/replay.js';

/** Two definitions versions that share some segments, word for word. */
const edit = fc.record({ before: segments(3), after: segments(3), timezone: fc.constantFrom(...ZONES), kept: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }) }).map(({ before, after, timezone, kept }) => {
  const next = after.map((segment, i) => (kept[i] && before[i] ? before[i] : { ...segment, version: 2 }));
  return { before: { segments: before, timezone, purposes: PURPOSES }, after: { segments: next, timezone, purposes: PURPOSES } };
});

test('a segment that is defined or edited later has the members that it would always have had, and the edit tells exactly the difference', () => {
  fc.assert(fc.property(edit, history(), history({ prefix: 'n', max: 5 }), fc.constantFrom(1, 1_000, 86_400_000), ({ before, after }, entries, later, gap) => {
    const [old, next] = [engineOf(before), engineOf(after)];
    const [oldState, liveState] = [old.newState('profile-1'), next.newState('profile-1')];
    feed(old, oldState, entries);
    feed(next, liveState, entries);
    const atMs = entries.at(-1)!.appendedAtMs + gap;
    old.advance(oldState, atMs);
    next.advance(liveState, atMs);
    const plan = planRebuild(old, next);
    const asked = entries.filter((entry) => isAsked(entry, plan.history, atMs)).map((entry) => withoutBody(entry, plan.history));
    const { state, flips } = rebuild({ old, next, plan }, oldState, plan.history.none ? [] : asked, atMs);
    expect(memberKeys(next, state)).toEqual(memberKeys(next, liveState));
    const had = new Set(memberKeys(old, oldState));
    const has = new Set(memberKeys(next, liveState));
    expect(flips.filter((flip) => flip.change === 'entered').map((flip) => flip.segment).sort()).toEqual([...has].filter((key) => !had.has(key)).sort());
    expect(flips.filter((flip) => flip.change === 'left').map((flip) => flip.segment).sort()).toEqual([...had].filter((key) => !has.has(key)).sort());
    const shifted = later.map((entry): RuleEntry => ({ ...entry, appendedAtMs: entry.appendedAtMs - later[0]!.appendedAtMs + atMs }));
    const goOn = (one: typeof state): string[] => [...brief(feed(next, one, shifted)), ...brief(next.advance(one, atMs + AFTER_MS + 9e8))];
    expect(goOn(next.decode(next.encode(state), 'profile-1'))).toEqual(goOn(liveState));
  }), SETTINGS);
});

test('an edit that needs no other features needs no history', () => {
  const rule = { performed: 'A', within: '7d', count: { op: 'gte' as const, value: 3 } };
  const old = engineOf({ segments: [{ key: 'a', version: 1, rule }], timezone: 'UTC', purposes: {} });
  const next = engineOf({ segments: [{ key: 'a', version: 2, rule: { ...rule, count: { op: 'gte', value: 2 } } }], timezone: 'UTC', purposes: {} });
  expect(planRebuild(old, next)).toMatchObject({ changed: ['a'], removed: [], history: { none: true, events: [] } });
  expect(planRebuild(next, next)).toMatchObject({ changed: [], history: { none: true } });
});

/** What is not asked for is not there to be read. */
function withoutBody(entry: RuleEntry, { bodies }: HistoryNeeds): RuleEntry {
  return entry.kind !== 'event' || bodies ? entry : { ...entry, readBody: () => ({}) };
}

function isAsked(entry: RuleEntry, needs: HistoryNeeds, atMs: number): boolean {
  if (entry.kind === 'event' && entry.timestampMs <= atMs - needs.reachMs) return false;
  switch (entry.kind) {
    case 'event': return entry.type === 'identify' ? needs.identify : needs.events.includes(entry.name) || (entry.scores !== undefined && needs.scores.length > 0);
    case 'score': return Object.keys(entry.scores).some((key) => needs.scores.includes(key));
    case 'computed': return needs.computed.includes(entry.key);
    case 'cluster': return needs.clusters.includes(entry.model);
    case 'list': return needs.lists.includes(entry.list);
    case 'consent': return needs.consents;
    case 'birth': return true;
  }
}
