import type { CompiledRules, SegmentPlan } from './compiled-rules.js';
import type { StepFeature } from './feature-registry.js';
import { hashText } from './hash-text.js';
import type { Source } from './source.js';

/** How stored states name what the rules read: by hashes that are the same in every definitions version. */
export interface StoredIdentities {
  readonly sources: ReadonlyMap<number, Source>;
  readonly ofSource: readonly number[];
  readonly steps: ReadonlyMap<number, StepFeature>;
  readonly ofStep: readonly number[];
  readonly traitRoots: ReadonlyMap<number, string>;
  readonly traitPaths: ReadonlyMap<number, string>;
  readonly segments: ReadonlyMap<number, SegmentPlan>;
}

const known = new WeakMap<CompiledRules, StoredIdentities>();

export function storedIdentities(rules: CompiledRules): StoredIdentities {
  const there = known.get(rules);
  if (there) return there;
  const ofSource = rules.sources.map((source) => hashText(source.key));
  const ofStep = rules.stepFeatures.map((step) => hashText(step.key));
  const roots = [...rules.traits.keys()];
  const paths = [...rules.traits.values()].flatMap((all) => [...all]);
  const made: StoredIdentities = {
    ofSource,
    ofStep,
    sources: distinct(rules.sources.map((source, i) => [ofSource[i]!, source])),
    steps: distinct(rules.stepFeatures.map((step, i) => [ofStep[i]!, step])),
    traitRoots: distinct(roots.map((root) => [hashText(root), root])),
    traitPaths: distinct(paths.map((path) => [hashText(path), path])),
    segments: distinct(rules.segments.map((segment) => [segment.id, segment])),
  };
  known.set(rules, made);
  return made;
}

/** Two of 100,000 names share 53 bits once in two million workspaces; better no engine than a wrong answer. */
function distinct<T>(pairs: readonly (readonly [number, T])[]): ReadonlyMap<number, T> {
  const map = new Map(pairs);
  if (map.size !== pairs.length) throw new Error('two features share one stored identity; change one of the rules slightly');
  return map;
}
