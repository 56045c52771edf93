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

/** By leaf index. */
export function planVisits(leaves: readonly Leaf[], segments: readonly SegmentPlan[], sourceByKey: ReadonlyMap<string, Source>): readonly Visits[] {
  const sharing = new Map(leaves.map((leaf) => [leaf, leaf.parents.length]));
  const valueOf = (leaf: Leaf): { readonly source: ValueSource; readonly keys: readonly string[] } | undefined => {
    if (!(leaf instanceof TraitLeaf) && !(leaf instanceof ComputedLeaf)) return undefined;
    const { oneOf } = leaf.test;
    if (!oneOf || oneOf.negated) return undefined;
    const key = leaf instanceof TraitLeaf ? `trait ${leaf.path}` : `computed ${leaf.computed}`;
    return { source: sourceByKey.get(key) as ValueSource, keys: oneOf.keys };
  };
  const needed = segments.map((segment) => neededLeaves(segment));
  return leaves.map((leaf) => {
    const byValue = new Map<ValueSource, Map<string, number[]>>();
    const behind = new Map<Leaf, number[]>();
    const always: number[] = [];
    for (const parent of leaf.parents) {
      const others = needed[parent]!.filter((other) => other !== leaf);
      const valued = others.map((other) => valueOf(other)).filter((one) => one !== undefined).sort((a, b) => b.source.values - a.source.values)[0];
      // The guard that most segments share, so that few guards are asked.
      const guard = others.sort((a, b) => sharing.get(b)! - sharing.get(a)!)[0];
      if (valued) {
        const segmentsOf = getOrMake(byValue, valued.source, () => new Map<string, number[]>());
        for (const key of new Set(valued.keys)) getOrMake(segmentsOf, key, () => []).push(parent);
      } else if (guard) getOrMake(behind, guard, () => []).push(parent);
      else always.push(parent);
    }
    return {
      byValue: [...byValue].map(([source, segmentsOf]) => ({ source, segments: segmentsOf })),
      behind: [...behind].map(([guard, segmentsOf]) => ({ guard: guard.index, segments: segmentsOf })),
      always,
    };
  });
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
