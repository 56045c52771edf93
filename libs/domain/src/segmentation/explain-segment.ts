import type { Json, RuleNode } from '@tributary/contracts/rule';
import type { EngineParts } from './apply-entry.js';
import type { CompiledRules, SegmentPlan } from './compiled-rules.js';
import { decodeState } from './decode-state.js';
import { actualOf, countedEvents, isApproximate } from './describe-leaf.js';
import { encodeState } from './encode-state.js';
import type { Explanation, Why } from './engine.js';
import { type Leaf, SegmentLeaf } from './leaf.js';
import { passTime } from './pass-time.js';
import type { ProfileState } from './profile-state.js';

/** Instants looked at in search of the next flip; rules that change nothing for so many have none worth naming. */
const CANDIDATES_MAX = 4_096;

/** Why a profile is in or out of a segment at `atMs`, node by node, and when that flips by time alone. */
export function explainSegment(parts: EngineParts, state: ProfileState, segment: SegmentPlan, atMs: number): Explanation {
  const { rules } = parts;
  const copy = decodeState(rules, encodeState(rules, state), state.profileId);
  passTime(rules, parts.evaluator, copy, atMs + 1);
  const why = whyOfSegment(rules, copy, segment, atMs);
  const member = copy.members.has(segment.index);
  const sinceMs = copy.members.get(segment.index) ?? null;
  return { member, sinceMs, flipsAtMs: nextFlip(parts, copy, segment), why };
}

/** Walks the instants at which something that the segment depends on may change. The state is used up. */
function nextFlip(parts: EngineParts, state: ProfileState, segment: SegmentPlan): number | null {
  const { rules, evaluator } = parts;
  if (state.bornMs < 0) return null;
  const leaves = dependencies(rules, segment, new Set());
  for (const source of rules.sources) {
    if (state.dueOf(source.index) < Infinity && ![...source.leaves()].some((leaf) => leaves.has(leaf))) state.setDue(source.index, Infinity);
  }
  for (let looked = 0; looked < CANDIDATES_MAX && state.dueMs < Infinity; looked += 1) {
    const flip = passTime(rules, evaluator, state, state.dueMs + 1).find((one) => one.segment === segment.key);
    if (flip) return flip.atMs;
  }
  return null;
}

function dependencies(rules: CompiledRules, segment: SegmentPlan, found: Set<Leaf>): Set<Leaf> {
  for (const { leaf } of segment.places) {
    if (found.has(leaf)) continue;
    found.add(leaf);
    if (leaf instanceof SegmentLeaf) dependencies(rules, rules.segments[leaf.segment]!, found);
  }
  return found;
}

interface WhyPlace {
  readonly rules: CompiledRules;
  readonly state: ProfileState;
  readonly segment: SegmentPlan;
  readonly atMs: number;
}

function whyOfSegment(rules: CompiledRules, state: ProfileState, segment: SegmentPlan, atMs: number): Why {
  const place = { rules, state, segment, atMs };
  const rule = whyOfNode(segment.definition.rule, '/rule', place);
  if (segment.definition.stay === undefined) return rule;
  const inside = state.members.has(segment.index);
  return { node: 'stay', path: '', holds: inside, actual: inside ? 'inside' : 'outside', events: [], children: [rule, whyOfNode(segment.definition.stay, '/stay', place)] };
}

function whyOfNode(node: RuleNode, path: string, place: WhyPlace): Why {
  if ('and' in node) {
    const children = node.and.map((one, i) => whyOfNode(one, `${path}/and/${i}`, place));
    return composite('and', path, children, children.every((one) => one.holds));
  }
  if ('or' in node) {
    const children = node.or.map((one, i) => whyOfNode(one, `${path}/or/${i}`, place));
    return composite('or', path, children, children.some((one) => one.holds));
  }
  if ('not' in node) {
    const inner = whyOfNode(node.not, `${path}/not`, place);
    return composite('not', path, [inner], !inner.holds);
  }
  return whyOfLeaf(node, path, place);
}

function composite(node: string, path: string, children: readonly Why[], holds: boolean): Why {
  return { node, path, holds, actual: children.filter((one) => one.holds).length, events: [], children };
}

function whyOfLeaf(node: RuleNode, path: string, place: WhyPlace): Why {
  const { rules, state, segment, atMs } = place;
  const { leaf } = segment.places.find((one) => one.path === path)!;
  const children = leaf instanceof SegmentLeaf ? [whyOfSegment(rules, state, rules.segments[leaf.segment]!, atMs)] : [];
  return {
    node: KINDS.find((kind) => kind in node)!,
    path,
    holds: leaf.holds(state, atMs),
    actual: actualOf(leaf, state, atMs),
    events: countedEvents(rules, leaf, state, atMs),
    children,
    rule: node as unknown as Json,
    ...(isApproximate(leaf, state, atMs) && { approximate: true }),
  };
}

const KINDS = ['trait', 'performed', 'sequence', 'score', 'computed', 'cluster', 'segment', 'list', 'consent', 'random'];
