import type { CompiledRules, SegmentPlan } from './compiled-rules.js';
import { SegmentLeaf } from './leaf.js';
import { runProgram } from './program.js';
import type { ProfileState } from './profile-state.js';

/**
 * What segments would answer at `t` with what the state knows and remembers now, segments that they name included;
 * nothing is changed. The answers are found when asked for, so the state must stay as it is meanwhile.
 */
export function viewSegments(rules: CompiledRules, state: ProfileState, t: number): (segment: SegmentPlan) => boolean {
  const answers = new Map<number, boolean>();
  const leafHolds = (index: number): boolean => {
    const leaf = rules.leaves[index]!;
    return leaf instanceof SegmentLeaf ? answer(rules.segments[leaf.segment]!) : leaf.holds(state, t);
  };
  const answer = (segment: SegmentPlan): boolean => {
    const known = answers.get(segment.index);
    if (known !== undefined) return known;
    const inside = evaluate(segment, state.members.has(segment.index), leafHolds);
    answers.set(segment.index, inside);
    return inside;
  };
  return answer;
}

/** Enters when the rule and `stay` both hold; once in, stays while `stay` holds; without `stay` it is the rule. */
export function evaluate(segment: SegmentPlan, wasInside: boolean, leafHolds: (leaf: number) => boolean): boolean {
  if (segment.stay === undefined) return runProgram(segment.rule, leafHolds);
  return (wasInside || runProgram(segment.rule, leafHolds)) && runProgram(segment.stay, leafHolds);
}
