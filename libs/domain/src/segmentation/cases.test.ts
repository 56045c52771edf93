import { RE2JS } from 're2js';
import { compileEngine } from './engine.js';
import { entriesOf, readCases, segmentsOf, type RuleCase } from './testing/read-case.js';
import { insideAt, naiveTimeline } from './testing/naive-timeline.js';

const compilePattern = (pattern: string, { ignoreCase }: { readonly ignoreCase: boolean }): ((text: string) => boolean) => {
  const compiled = RE2JS.compile(pattern, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0);
  return (text) => compiled.matcher(text).find();
};

const optionsOf = (one: RuleCase) => ({ segments: segmentsOf(one), timezone: one.timezone ?? 'UTC', purposes: one.purposes ?? {}, profileId: one.profileId ?? 'profile-1' });

/** What becomes known up to `now`; the rest of the case has not happened yet. */
function answer(one: RuleCase) {
  const nowMs = Date.parse(one.now);
  const options = optionsOf(one);
  const engine = compileEngine({ ...options, compilePattern });
  const state = engine.newState(options.profileId);
  const flips = entriesOf(one).filter((entry) => entry.appendedAtMs <= nowMs).flatMap((entry) => [...engine.advance(state, entry.appendedAtMs), ...engine.apply(state, entry)]);
  const stored = engine.encode(state);
  flips.push(...engine.advance(state, nowMs + 1));
  const changes = flips.filter((flip) => flip.segment === 'asked').map(({ change, atMs }) => ({ change, at: new Date(atMs).toISOString() }));
  return { engine, state, changes, explained: engine.explain(engine.decode(stored, options.profileId), 'asked', nowMs)! };
}

describe.each(readCases())('%s', (_file, cases) => {
  test.each(cases.map((one) => [one.name, one] as const))('%s', (_name, one) => {
    const { engine, state, changes, explained } = answer(one);
    expect(engine.isMember(state, 'asked')).toBe(one.member);
    expect(explained.member).toBe(one.member);
    if (one.changes) expect(changes).toEqual(one.changes);
    if (one.flipsAt !== undefined) expect(explained.flipsAtMs === null ? null : new Date(explained.flipsAtMs).toISOString()).toBe(one.flipsAt);
  });

  test('brute force says the same', () => {
    for (const one of cases) {
      const nowMs = Date.parse(one.now);
      const flips = naiveTimeline(optionsOf(one), entriesOf(one).filter((entry) => entry.appendedAtMs <= nowMs), nowMs);
      expect(`${one.name}: ${insideAt(flips, 'asked', nowMs)}`).toBe(`${one.name}: ${one.member}`);
      if (one.changes) expect(flips.filter((flip) => flip.segment === 'asked').map(({ change, atMs }) => ({ change, at: new Date(atMs).toISOString() }))).toEqual(one.changes);
    }
  });
});

test('every sentence of the language that rules can show has a case', () => {
  const shown = new Set(readCases().flatMap(([, cases]) => cases.map((one) => one.sentence)));
  expect(Array.from({ length: 32 }, (_, i) => i + 1).filter((sentence) => !shown.has(sentence))).toEqual([]);
});
