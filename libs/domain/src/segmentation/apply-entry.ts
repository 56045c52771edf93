import type { CompiledRules, SegmentPlan } from './compiled-rules.js';
import type { Flip } from './engine.js';
import type { FlipCause, SegmentEvaluator } from './evaluate-segments.js';
import type { EntryFold } from './fold-entry.js';
import { hashText } from './hash-text.js';
import type { Leaf } from './leaf.js';
import type { ProfileState } from './profile-state.js';
import type { RuleEntry } from './rule-entry.js';
import { viewSegments } from './view-segments.js';

/** What the engine has at hand for every call. */
export interface EngineParts {
  readonly rules: CompiledRules;
  readonly evaluator: SegmentEvaluator;
  readonly folding: EntryFold;
  /** Who is inside with nothing known, by index, apart from those whose answer depends on the profile id. */
  readonly initial: readonly number[];
  readonly randomSegments: readonly number[];
}

const NO_FLIPS: readonly Flip[] = [];

/** Applies one entry at `atMs`; flips by time before it have fired. */
export function applyEntry(parts: EngineParts, state: ProfileState, entry: RuleEntry, atMs: number): readonly Flip[] {
  if (state.bornMs < 0) return giveBirth(parts, state, entry, { atMs, cause: causeOf(entry) });
  if (!parts.folding.find(state, entry, atMs)) return NO_FLIPS;
  if (state.dueMs <= atMs) return applyAtEdge(parts, state, { atMs, cause: causeOf(entry) });
  const flipped = fold(parts.folding, state, atMs);
  return flipped.length === 0 ? NO_FLIPS : parts.evaluator.update(state, atMs, { flipped, sources: parts.folding.sources }, causeOf(entry));
}

/** The leaves that flip by what is folded in; their sources' next instants are found anew. */
function fold(folding: EntryFold, state: ProfileState, atMs: number): Leaf[] {
  const flipped: Leaf[] = [];
  const { sources } = folding;
  for (const source of sources) source.mark(state, atMs);
  folding.fold();
  for (const source of sources) state.setDue(source.index, source.collect(state, atMs, flipped));
  return flipped;
}

/** The first entry: whoever is inside after it has entered by it, with no past to remember (rule 5). */
function giveBirth(parts: EngineParts, state: ProfileState, entry: RuleEntry, at: { readonly atMs: number; readonly cause: FlipCause }): Flip[] {
  const { rules, evaluator, folding } = parts;
  const { atMs, cause } = at;
  state.bornMs = atMs;
  state.bornId = entry.kind === 'event' ? hashText(entry.messageId) : 0;
  for (const segment of parts.initial) state.members.set(segment, atMs);
  folding.find(state, entry, atMs);
  const flipped = fold(folding, state, atMs);
  const nodes = new Map(evaluator.update(state, atMs, { flipped, sources: folding.sources, also: parts.randomSegments, newborn: true }, cause).map((flip) => [flip.segment, flip.nodes]));
  return [...state.members.keys()].sort((a, b) => a - b).map((index) => {
    const { key, version } = rules.segments[index]!;
    return { segment: key, version, change: 'entered', atMs, by: cause.by, nodes: nodes.get(key) ?? [], ...(cause.event && { event: cause.event }) };
  });
}

/**
 * Something may flip by time at this very millisecond, and events come before that (rule 6). A flip that time alone
 * would bring now is left to time, unless the entry brings it about even so: with the answers from just before the edge.
 */
function applyAtEdge(parts: EngineParts, state: ProfileState, at: { readonly atMs: number; readonly cause: FlipCause }): Flip[] {
  const { rules, evaluator, folding } = parts;
  const { atMs, cause } = at;
  const leaves = [...folding.sources].flatMap((source) => [...source.leaves()]);
  const concerned = concernedSegments(rules, leaves);
  const before = viewSegments(rules, state, atMs);
  const byTime = concerned.map((segment) => before(segment));
  const leavesBefore = leaves.map((leaf) => leaf.holds(state, atMs - 1));
  folding.fold();
  for (const source of folding.sources) {
    source.forget(state);
    state.setDue(source.index, Math.min(atMs, source.nextChange(state, atMs - 1)));
  }
  const [now, beforeEdge] = [viewSegments(rules, state, atMs), viewSegments(rules, state, atMs - 1)];
  const decided = concerned.map((segment, i) => {
    const inside = state.members.has(segment.index);
    const leaves = now(segment) !== inside && (byTime[i] === inside || beforeEdge(segment) !== inside);
    return leaves ? !inside : inside;
  });
  const flipped = leaves.filter((leaf, i) => leaf.holds(state, atMs) !== leavesBefore[i]);
  evaluator.begin(state, atMs);
  evaluator.markFlipped(flipped);
  return concerned.flatMap((segment, i) => (decided[i] === state.members.has(segment.index) ? [] : [evaluator.flip(segment, decided[i]!, cause)]));
}

/** The segments that contain a leaf, and those that name them, in dependency order. */
function concernedSegments(rules: CompiledRules, leaves: readonly Leaf[]): SegmentPlan[] {
  const found = new Set<number>();
  const visit = (leaf: Leaf | undefined): void => {
    for (const parent of leaf?.parents ?? []) {
      if (found.has(parent)) continue;
      found.add(parent);
      visit(rules.segmentLeaves[parent]);
    }
  };
  leaves.forEach(visit);
  return [...found].sort((a, b) => a - b).map((index) => rules.segments[index]!);
}

function causeOf(entry: RuleEntry): FlipCause {
  if (entry.kind !== 'event') return { by: entry.kind === 'score' ? 'time' : 'event' };
  return { by: 'event', event: { messageId: entry.messageId, name: entry.name, timestampMs: Math.min(entry.timestampMs, entry.appendedAtMs) } };
}
