import * as fc from 'fast-check';
import { type ConsentDecision, type DatedDecision, laterOf } from './decision.js';
import cases from './unite-decisions.cases.json' with { type: 'json' };
import { type Merge, uniteDecisions } from './unite-decisions.js';

describe('what stands for a person who was several profiles', () => {
  test.each(cases)('$name', ({ latest, merges, expect: expected }) => {
    const decisions = new Map(Object.entries(latest).map(([id, [decision, atMs]]) => [id, { decision, atMs } as DatedDecision]));
    const answer = uniteDecisions(decisions, merges.map(([loser, survivor, mergedMs]) => ({ loser, survivor, mergedMs }) as Merge));
    expect(answer === undefined ? null : [answer.decision, answer.atMs]).toEqual(expected);
  });

  test('is what a full history, told in the order of time, leads to', () => {
    fc.assert(
      fc.property(histories, ({ decisions, merges }) => {
        const latest = new Map<string, DatedDecision>();
        for (const { id, ...made } of decisions) latest.set(id, laterOf(latest.get(id) ?? made, made));
        const answer = uniteDecisions(latest, merges);
        expect(answer?.decision).toBe(tell(decisions, merges));
      }),
      { numRuns: 2_000 },
    );
  });
});

interface Made extends DatedDecision {
  readonly id: string;
}

/** Decisions of up to five profiles, each of which but the first is merged into an earlier one. */
const histories = fc
  .record({
    decisions: fc.array(fc.record({ id: fc.constantFrom('p0', 'p1', 'p2', 'p3', 'p4'), decision: fc.constantFrom<ConsentDecision>('granted', 'withdrawn'), atMs: fc.integer({ min: 0, max: 12 }) }), { maxLength: 12 }),
    targets: fc.tuple(...[0, 1, 2, 3].map((last) => fc.integer({ min: 0, max: last }))),
    times: fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 4, maxLength: 4 }),
  })
  .map(({ decisions, targets, times }) => ({
    decisions: decisions as Made[],
    merges: targets.map((target, index): Merge => ({ loser: `p${index + 1}`, survivor: `p${target}`, mergedMs: times[index] as number })),
  }));

/**
 * The rule word by word: everybody stands for themselves; at one millisecond decisions come before merges; a decision
 * replaces what stands for all who are one by then, of several at one millisecond the more restrictive; a merge leaves a
 * withdrawal of either standing.
 */
function tell(decisions: readonly Made[], merges: readonly Merge[]): ConsentDecision | undefined {
  let groups = ['p0', 'p1', 'p2', 'p3', 'p4'].map((id) => ({ ids: new Set([id]), stands: undefined as ConsentDecision | undefined }));
  for (let ms = 0; ms <= 12; ms += 1) {
    for (const group of groups) {
      const now = decisions.filter((made) => made.atMs === ms && group.ids.has(made.id));
      if (now.length > 0) group.stands = now.some((made) => made.decision === 'withdrawn') ? 'withdrawn' : 'granted';
    }
    for (const { loser, survivor } of merges.filter((merge) => merge.mergedMs === ms)) {
      const [left, right] = [groups.find((group) => group.ids.has(loser))!, groups.find((group) => group.ids.has(survivor))!];
      if (left === right) continue;
      const stands = [left.stands, right.stands].includes('withdrawn') ? 'withdrawn' : (left.stands ?? right.stands);
      groups = [...groups.filter((group) => group !== left && group !== right), { ids: new Set([...left.ids, ...right.ids]), stands: stands as ConsentDecision | undefined }];
    }
  }
  return groups[0]!.stands;
}
