import type { ScoreStep } from '@tributary/domain/scoring/engagement';
import type { Engine } from '@tributary/domain/segmentation/engine';
import type { ProfileState } from '@tributary/domain/segmentation/profile-state';

/**
 * When a segment flips by time alone, the score falling as foreseen; null: never. The state is used up.
 * @param atMs at or after all that the state was told; flips up to and including it have happened
 */
export function findNextFlip(engine: Engine, state: ProfileState, of: { readonly segment: string; readonly atMs: number; readonly steps: readonly ScoreStep[] }): number | null {
  const { segment, atMs, steps } = of;
  engine.advance(state, atMs + 1);
  let seenMs = atMs;
  for (const { fromMs, score } of steps) {
    const before = engine.advance(state, fromMs).find((flip) => flip.segment === segment);
    if (before !== undefined) return before.atMs;
    const told = engine.apply(state, { kind: 'score', appendedAtMs: fromMs, scores: { engagement: score } });
    if (told.some((flip) => flip.segment === segment)) return fromMs;
    seenMs = fromMs;
  }
  return engine.explain(state, segment, seenMs)?.flipsAtMs ?? null;
}
