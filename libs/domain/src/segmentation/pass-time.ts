import type { CompiledRules } from './compiled-rules.js';
import type { Flip } from './engine.js';
import type { SegmentEvaluator } from './evaluate-segments.js';
import type { Leaf } from './leaf.js';
import type { ProfileState } from './profile-state.js';
import type { Source } from './source.js';

/**
 * Fires what flips by time alone before `beforeMs`, each at its own instant, in order. Only the sources whose own instant
 * has come are looked at.
 */
export function passTime(rules: CompiledRules, evaluator: SegmentEvaluator, state: ProfileState, beforeMs: number): Flip[] {
  const flips: Flip[] = [];
  while (state.dueMs < beforeMs) {
    const at = state.dueMs;
    const flipped: Leaf[] = [];
    const sources = dueSources(rules, state, at);
    for (const source of sources) {
      source.mark(state, at - 1);
      // Time goes on even if a source should name an instant that is past.
      state.setDue(source.index, Math.max(source.collect(state, at, flipped), at + 1));
    }
    if (flipped.length > 0) flips.push(...evaluator.update(state, at, { flipped, sources }, { by: 'time' }));
  }
  if (beforeMs > state.firedBeforeMs) state.firedBeforeMs = beforeMs;
  return flips;
}

function dueSources(rules: CompiledRules, state: ProfileState, at: number): Source[] {
  const sources: Source[] = [];
  const { dueSources: indexes, dueInstants } = state;
  for (let i = 0; i < indexes.length; i += 1) if (dueInstants[i]! <= at) sources.push(rules.sources[indexes[i]!]!);
  return sources;
}
