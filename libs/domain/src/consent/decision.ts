/** What a person has said of one purpose. */
export type ConsentDecision = 'granted' | 'withdrawn';

/** A decision and when it was made, epoch ms. */
export interface DatedDecision {
  readonly decision: ConsentDecision;
  readonly atMs: number;
}

/** The decision that stands of two by the same person: the one made later; at one millisecond the more restrictive. */
export function laterOf<Dated extends DatedDecision>(left: Dated, right: Dated): Dated {
  if (left.atMs !== right.atMs) return left.atMs > right.atMs ? left : right;
  return left.decision === 'withdrawn' ? left : right;
}
