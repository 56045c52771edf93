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
  /** By leaf: sources whose value tells which segments to ask; they are places in `byValue`. */
  readonly valued: readonly (readonly number[])[];
  /** For each such source: by its value, by leaf, the segments. A profile has one value, so its part is small and at hand. */
  readonly byValue: readonly { readonly source: ValueSource; readonly leavesOf: ReadonlyMap<string, ReadonlyMap<number, readonly number[]>> }[];
  /** By leaf: segments to ask where another leaf holds. */
  readonly behind: readonly (readonly { readonly guard: number; readonly segments: readonly number[] }[])[];
  /** By leaf: segments to ask in any case. */
  readonly always: readonly (readonly number[])[];
}

interface Guard {
  readonly leaf: Leaf;
  /** Where the leaf asks that a value be one of some: those. */
  readonly valued?: { readonly source: ValueSource; readonly keys: readonly string[] };
}

const NOTHING: readonly never[] = [];

export function planVisits(leaves: readonly Leaf[], segments: readonly SegmentPlan[], sourceByKey: ReadonlyMap<string, Source>): Visits {
  const guards = new Map<Leaf, Guard>();
  const guardsOf = segments.map((segment) => orderGuards(neededLeaves(segment).map((leaf) => getOrMake(guards, leaf, () => guardOf(leaf, sourceByKey)))));
  const places = new Map<ValueSource, number>();
  const byValue: { readonly source: ValueSource; readonly leavesOf: Map<string, Map<number, number[]>> }[] = [];
  const placeOf = (source: ValueSource): number => getOrMake(places, source, () => byValue.push({ source, leavesOf: new Map() }) - 1);
  const plans = leaves.map((leaf) => {
    const valued = new Set<number>();
    const behind = new Map<number, number[]>();
    const always: number[] = [];
    for (const parent of leaf.parents) {
      const guard = guardsOf[parent]!.find((one) => one.leaf !== leaf);
      if (guard?.valued) {
        const place = placeOf(guard.valued.source);
        valued.add(place);
        for (const key of guard.valued.keys) {
          const byLeaf = getOrMake(byValue[place]!.leavesOf, key, () => new Map<number, number[]>());
          getOrMake(byLeaf, leaf.index, () => []).push(parent);
        }
      } else if (guard) getOrMake(behind, guard.leaf.index, () => []).push(parent);
      else always.push(parent);
    }
    return {
      valued: orNothing([...valued]),
      behind: orNothing([...behind].map(([guard, segmentsOf]) => ({ guard, segments: segmentsOf }))),
      always: orNothing(always),
    };
  });
  return { byValue, valued: plans.map((one) => one.valued), behind: plans.map((one) => one.behind), always: plans.map((one) => one.always) };
}

function orNothing<T>(list: readonly T[]): readonly T[] {
  return list.length === 0 ? NOTHING : list;
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
