import type { CompiledRules } from './compiled-rules.js';
import type { Flip } from './engine.js';
import type { SegmentEvaluator } from './evaluate-segments.js';
import type { Leaf } from './leaf.js';
import type { ProfileState } from './profile-state.js';

/**
 * Fires what flips by time alone before `beforeMs`, each at its own instant, in order. Only the sources whose own instant
 * has come are looked at.
 */
export function passTime(rules: CompiledRules, evaluator: SegmentEvaluator, state: ProfileState, beforeMs: number): Flip[] {
  const flips: Flip[] = [];
  while (state.dueMs < beforeMs) {
    const at = state.dueMs;
    const flipped: Leaf[] = [];
    for (const index of dueSources(state, at)) {
      const source = rules.sources[index]!;
      source.mark(state, at - 1);
      source.collect(state, at, (leaf) => flipped.push(leaf));
      state.setDue(index, source.nextChange(state, at));
    }
    if (flipped.length > 0) flips.push(...evaluator.update(state, at, { flipped }, { by: 'time' }));
  }
  if (beforeMs > state.firedBeforeMs) state.firedBeforeMs = beforeMs;
  return flips;
}

function dueSources(state: ProfileState, at: number): number[] {
  const sources: number[] = [];
  for (const [source, due] of state.dues) if (due <= at) sources.push(source);
  return sources;
}
