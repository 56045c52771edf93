// The tables of rule cases that were written for SQL, run against the engine. Differences that are known stand in
// open-cases.json until they are settled; the answer there is the one of the rules, and of SQL.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileEngine } from '@tributary/domain/segmentation/engine';
import { compilePattern, FedProfile } from './feed-engine.ts';
import type { Switch } from './random-history.ts';
import { changesOf, historyOf, instantMs, SEGMENT_KEY, segmentOf, type RuleCase } from './rule-case.ts';

const tablesDir = join(import.meta.dirname, '..', '..', 'libs', 'domain', 'src', 'segmentation', 'sql');
const tables = readdirSync(tablesDir)
  .filter((file) => file.endsWith('.cases.json'))
  .map((file) => ({ file, cases: JSON.parse(readFileSync(join(tablesDir, file), 'utf8')) as RuleCase[] }));

const openCases = JSON.parse(readFileSync(join(import.meta.dirname, 'open-cases.json'), 'utf8')) as RuleCase[];

describe.each(tables)('$file in the engine', ({ cases }) => {
  // The engine learns of a withdrawal that stood at a merge from the merge itself.
  test.each(cases.filter(({ mergedWithdrawals }) => !mergedWithdrawals))('$sentence $name', (ruleCase) => {
    const { member, flipsAtMs, changes } = askEngine(ruleCase);
    expect({ member }).toEqual({ member: ruleCase.member });
    // The future of scores and computed traits is known to scoring alone, which tells each change when it has come.
    const isForeseen = ruleCase.flipsAt !== undefined && !/"(score|computed)":/.test(JSON.stringify(ruleCase.rule));
    if (isForeseen) expect(iso(flipsAtMs)).toBe(ruleCase.flipsAt === null ? undefined : iso(instantMs(ruleCase.flipsAt!)));
    if (ruleCase.changes) expect(changes.map(iso)).toEqual(changesOf(ruleCase));
  });
});

// A settled case moves to the tables.
test.each(openCases)('still open: $sentence $name', (ruleCase) => {
  expect(askEngine(ruleCase).member).not.toBe(ruleCase.member);
});

function askEngine(ruleCase: RuleCase): { readonly member: boolean; readonly flipsAtMs: number | null; readonly changes: readonly number[] } {
  const segments = [...(ruleCase.segments ?? []), segmentOf(ruleCase)].map((segment) => ({ ...segment, version: 1 }));
  const engine = compileEngine({ segments, timezone: ruleCase.timezone, purposes: ruleCase.purposes, compilePattern });
  const history = historyOf(ruleCase);
  const { knownFromMs } = history.profiles[0]!;
  const nowMs = instantMs(ruleCase.now);
  if (nowMs < knownFromMs) return { member: false, flipsAtMs: null, changes: [] };
  const fed = new FedProfile(engine, { ...history, knownFromMs, switches: switchesOf(history) }, { repeats: false, stores: false });
  fed.feedUpTo(nowMs);
  const explained = engine.explain(fed.state, SEGMENT_KEY, nowMs)!;
  // Time has not come yet for what happens at this very millisecond.
  fed.feedUpTo(nowMs + 1);
  const changes = fed.flips.filter(({ segment, atMs }) => segment === SEGMENT_KEY && atMs <= nowMs).map(({ atMs }) => atMs);
  return { member: explained.member, flipsAtMs: explained.flipsAtMs, changes };
}

function iso(ms: number | null | undefined): string | undefined {
  return ms === null || ms === undefined ? undefined : new Date(ms).toISOString();
}

function switchesOf(history: ReturnType<typeof historyOf>): Switch[] {
  const pieces = [
    ...(history.lists ?? []).map((one) => ({ ...one, kind: 'list' as const, key: one.list, value: true, none: false })),
    ...(history.clusters ?? []).map((one) => ({ ...one, kind: 'cluster' as const, key: one.model, value: one.label, none: null })),
    ...(history.computed ?? []).map((one) => ({ ...one, kind: 'computed' as const, none: null })),
  ];
  const switches = pieces.flatMap(({ kind, key, value, none, fromMs, toMs }) => [{ kind, key, value, atMs: fromMs }, ...(toMs === null ? [] : [{ kind, key, value: none, atMs: toMs }])]);
  // At one instant the end of a piece comes before the beginning of the next.
  return switches.sort((a, b) => a.atMs - b.atMs || Number(b.value === null || b.value === false) - Number(a.value === null || a.value === false)) as Switch[];
}

// Settled when this no longer throws; then 1e300 belongs among the instants of random-scene.ts.
test('still open: a state that waits for an instant beyond 2^53 ms can be stored', () => {
  const engine = compileEngine({ segments: [{ key: SEGMENT_KEY, version: 1, rule: { trait: 'at', op: 'inLast', value: '30m' } }], compilePattern });
  const storeWith = (listName: string) => {
    const state = engine.newState('p');
    engine.apply(state, { kind: 'event', type: 'identify', name: '', messageId: 'm', timestampMs: 0, appendedAtMs: 0, readBody: () => ({ traits: { at: 1e300 } }) });
    engine.apply(state, { kind: 'computed', appendedAtMs: 1, key: 'c', value: listName });
    return engine.decode(engine.encode(state), 'p');
  };
  expect(() => Array.from({ length: 600 }, (_, size) => storeWith('x'.repeat(size)))).toThrow();
});
