import type { SegmentPlan } from './compiled-rules.js';
import { ComputedLeaf, type Leaf, SegmentLeaf, TraitLeaf } from './leaf.js';
import type { Expression } from './program.js';
import type { Source, ValueSource } from './source.js';

/**
 * Which segments to ask when a leaf flips. A segment that needs several conditions at once cannot change while another of
 * them fails, so it waits behind one of those: a value that some trait must have (found by the value), or a leaf that
 * must hold. That is what keeps the cost of an event flat as segments multiply.
 */
export interface Visits {
  readonly byValue: readonly { readonly source: ValueSource; readonly segments: ReadonlyMap<string, readonly number[]> }[];
  readonly behind: readonly { readonly guard: number; readonly segments: readonly number[] }[];
  readonly always: readonly number[];
}

interface Guard {
  readonly leaf: Leaf;
  /** Where the leaf asks that a value be one of some: those. */
  readonly valued?: { readonly source: ValueSource; readonly keys: readonly string[] };
}

/** By leaf index. */
export function planVisits(leaves: readonly Leaf[], segments: readonly SegmentPlan[], sourceByKey: ReadonlyMap<string, Source>): readonly Visits[] {
  const guards = new Map<Leaf, Guard>();
  const guardsOf = segments.map((segment) => orderGuards(neededLeaves(segment).map((leaf) => getOrMake(guards, leaf, () => guardOf(leaf, sourceByKey)))));
  return leaves.map((leaf) => {
    const byValue = new Map<ValueSource, Map<string, number[]>>();
    const behind = new Map<Leaf, number[]>();
    const always: number[] = [];
    for (const parent of leaf.parents) {
      const guard = guardsOf[parent]!.find((one) => one.leaf !== leaf);
      if (guard?.valued) {
        const segmentsOf = getOrMake(byValue, guard.valued.source, () => new Map<string, number[]>());
        for (const key of guard.valued.keys) getOrMake(segmentsOf, key, () => []).push(parent);
      } else if (guard) getOrMake(behind, guard.leaf, () => []).push(parent);
      else always.push(parent);
    }
    return {
      byValue: [...byValue].map(([source, segmentsOf]) => ({ source, segments: segmentsOf })),
      behind: [...behind].map(([guard, segmentsOf]) => ({ guard: guard.index, segments: segmentsOf })),
      always,
    };
  });
}

function guardOf(leaf: Leaf, sourceByKey: ReadonlyMap<string, Source>): Guard {
  if (!(leaf instanceof TraitLeaf) && !(leaf instanceof ComputedLeaf)) return { leaf };
  const { oneOf } = leaf.test;
  if (!oneOf || oneOf.negated) return { leaf };
  const key = leaf instanceof TraitLeaf ? `trait ${leaf.path}` : `computed ${leaf.computed}`;
  return { leaf, valued: { source: sourceByKey.get(key) as ValueSource, keys: [...new Set(oneOf.keys)] } };
}

/** First the values that tell people apart best; then the leaves that most segments share, so that few guards are asked. */
function orderGuards(guards: Guard[]): readonly Guard[] {
  return guards.sort((a, b) => (b.valued?.source.values ?? 0) - (a.valued?.source.values ?? 0) || b.leaf.parents.length - a.leaf.parents.length).slice(0, 2);
}

/** Leaves without which the segment can be neither entered nor kept. A named segment may still change in the same round. */
function neededLeaves(segment: SegmentPlan): readonly Leaf[] {
  if (segment.stay !== undefined) return [];
  const leaves = new Set<Leaf>();
  const collect = (expression: Expression): void => {
    if ('leaf' in expression) leaves.add(expression.leaf);
    else if ('and' in expression) expression.and.forEach(collect);
    else if ('or' in expression && expression.or.length === 1) collect(expression.or[0]!);
  };
  collect(segment.expression);
  return [...leaves].filter((leaf) => !(leaf instanceof SegmentLeaf));
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
