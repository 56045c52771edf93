import type { CompiledRules, SegmentPlan } from './compiled-rules.js';
import type { Flip } from './engine.js';
import type { FlipCause, SegmentEvaluator } from './evaluate-segments.js';
import { touch, type Touched } from './fold-entry.js';
import { hashText } from './hash-text.js';
import type { Leaf } from './leaf.js';
import type { ProfileState } from './profile-state.js';
import type { RuleEntry } from './rule-entry.js';
import { viewSegments } from './view-segments.js';

/** What the engine has at hand for every call. */
export interface EngineParts {
  readonly rules: CompiledRules;
  readonly evaluator: SegmentEvaluator;
  /** Who is inside with nothing known, by index, apart from those whose answer depends on the profile id. */
  readonly initial: readonly number[];
  readonly randomSegments: readonly number[];
}

const NO_FLIPS: readonly Flip[] = [];

/** Applies one entry at `atMs`; flips by time before it have fired. */
export function applyEntry(parts: EngineParts, state: ProfileState, entry: RuleEntry, atMs: number): readonly Flip[] {
  const cause = causeOf(entry);
  if (state.bornMs < 0) return giveBirth(parts, state, entry, { atMs, cause });
  const touched = touch(parts.rules, state, entry, atMs);
  if (touched.folds.length === 0) return NO_FLIPS;
  if (state.dueMs <= atMs) return applyAtEdge(parts, state, touched, { atMs, cause });
  const flipped = fold(state, touched, atMs);
  return flipped.length === 0 ? NO_FLIPS : parts.evaluator.update(state, atMs, { flipped }, cause);
}

/** The leaves that flip by what is folded in; their sources' next instants are found anew. */
function fold(state: ProfileState, touched: Touched, atMs: number): Leaf[] {
  const flipped: Leaf[] = [];
  for (const source of touched.sources) source.mark(state, atMs);
  for (const change of touched.folds) change();
  for (const source of touched.sources) {
    source.collect(state, atMs, (leaf) => flipped.push(leaf));
    state.setDue(source.index, source.nextChange(state, atMs));
  }
  return flipped;
}

/** The first entry: whoever is inside after it has entered by it, with no past to remember (rule 5). */
function giveBirth(parts: EngineParts, state: ProfileState, entry: RuleEntry, at: { readonly atMs: number; readonly cause: FlipCause }): Flip[] {
  const { rules, evaluator } = parts;
  const { atMs, cause } = at;
  state.bornMs = atMs;
  state.bornId = entry.kind === 'event' ? hashText(entry.messageId) : 0;
  for (const segment of parts.initial) state.members.set(segment, atMs);
  const flipped = fold(state, touch(rules, state, entry, atMs), atMs);
  const nodes = new Map(evaluator.update(state, atMs, { flipped, also: parts.randomSegments, newborn: true }, cause).map((flip) => [flip.segment, flip.nodes]));
  return [...state.members.keys()].sort((a, b) => a - b).map((index) => {
    const { key, version } = rules.segments[index]!;
    return { segment: key, version, change: 'entered', atMs, by: cause.by, nodes: nodes.get(key) ?? [], ...(cause.event && { event: cause.event }) };
  });
}

/**
 * Something may flip by time at this very millisecond, and events come before that (rule 6). A flip that time alone
 * would bring now is left to time, unless the entry brings it about even so: with the answers from just before the edge.
 */
function applyAtEdge(parts: EngineParts, state: ProfileState, touched: Touched, at: { readonly atMs: number; readonly cause: FlipCause }): Flip[] {
  const { rules, evaluator } = parts;
  const { atMs, cause } = at;
  const leaves = [...touched.sources].flatMap((source) => [...source.leaves()]);
  const concerned = concernedSegments(rules, leaves);
  const before = viewSegments(rules, state, atMs);
  const byTime = concerned.map((segment) => before(segment));
  const leavesBefore = leaves.map((leaf) => leaf.holds(state, atMs - 1));
  for (const change of touched.folds) change();
  for (const source of touched.sources) state.setDue(source.index, Math.min(atMs, source.nextChange(state, atMs - 1)));
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
