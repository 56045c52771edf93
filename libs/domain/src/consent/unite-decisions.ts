import { type DatedDecision, laterOf } from './decision.js';

/** One profile became part of another at an instant, epoch ms. */
export interface Merge {
  readonly loser: string;
  readonly survivor: string;
  readonly mergedMs: number;
}

/**
 * The decision that stands for a person who was several profiles. Before a merge each profile stands for itself; at the
 * merge a withdrawal that stood for either stands on, and only a decision made after the merge overrides it. So a grant
 * overrides a withdrawal exactly if it was made later and the two profiles were one by then.
 *
 * Sound with the latest decision of each profile alone: what a later decision of the same profile has overridden can
 * never stand again. In any order of arrival the answer is the same.
 *
 * @param latest by profile id, the latest decision made as that profile
 */
export function uniteDecisions<Dated extends DatedDecision>(latest: ReadonlyMap<string, Dated>, merges: readonly Merge[]): Dated | undefined {
  const all = [...latest];
  const standing = all.filter(([profileId, own]) => own.decision === 'withdrawn' && !isOverridden(profileId, own, latest, merges));
  return latestOf((standing.length > 0 ? standing : all).map(([, own]) => own));
}

function isOverridden(profileId: string, withdrawal: DatedDecision, latest: ReadonlyMap<string, DatedDecision>, merges: readonly Merge[]): boolean {
  const joined = joinedSince(profileId, merges);
  for (const [other, { decision, atMs }] of latest) {
    const sinceMs = joined.get(other);
    if (decision === 'granted' && atMs > withdrawal.atMs && sinceMs !== undefined && atMs > sinceMs) return true;
  }
  return false;
}

/** By profile, since when it has been one person with `profileId`: the latest merge on the way between them. */
function joinedSince(profileId: string, merges: readonly Merge[]): ReadonlyMap<string, number> {
  const neighbours = new Map<string, { readonly id: string; readonly mergedMs: number }[]>();
  const connect = (from: string, id: string, mergedMs: number): void => {
    const known = neighbours.get(from);
    if (known === undefined) neighbours.set(from, [{ id, mergedMs }]);
    else known.push({ id, mergedMs });
  };
  for (const { loser, survivor, mergedMs } of merges) {
    connect(loser, survivor, mergedMs);
    connect(survivor, loser, mergedMs);
  }
  const since = new Map([[profileId, Number.NEGATIVE_INFINITY]]);
  const queue = [profileId];
  for (let current = queue.pop(); current !== undefined; current = queue.pop()) {
    for (const { id, mergedMs } of neighbours.get(current) ?? []) {
      if (since.has(id)) continue;
      since.set(id, Math.max(since.get(current) as number, mergedMs));
      queue.push(id);
    }
  }
  return since;
}

function latestOf<Dated extends DatedDecision>(decisions: readonly Dated[]): Dated | undefined {
  return decisions.length === 0 ? undefined : decisions.reduce(laterOf);
}
