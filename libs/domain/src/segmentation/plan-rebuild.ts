import type { SegmentRule } from '@tributary/contracts/rule';
import { canonicalDefinition, type CompiledRules, type SegmentPlan } from './compiled-rules.js';
import type { EngineParts } from './apply-entry.js';
import { ClusterLeaf, ComputedLeaf, ConsentLeaf, GaugeLeaf, type Leaf, ListLeaf, SequenceLeaf, TraitLeaf } from './leaf.js';
import { CountGauge, RangeGauge, ScoreGauge } from './gauge.js';
import type { HistoryNeeds, RebuildPlan } from './rebuild-state.js';
import { GaugeSource, type Source } from './source.js';

/** The plan, and what `rebuild` needs beside it. */
export interface FullPlan extends RebuildPlan {
  /** Definitions through which history is replayed: those with `stay`, those whose features are not kept, and what they name. */
  readonly replayed: readonly SegmentRule[];
  /** Of the new rules: what the old state keeps deep enough. */
  readonly keptSources: ReadonlySet<string>;
  readonly keptSteps: ReadonlySet<string>;
  readonly keptTraits: ReadonlySet<string>;
}

export function planFully(old: EngineParts, next: EngineParts): FullPlan {
  const changed = changedSegments(old.rules, next.rules);
  const keptSources = keysWhere(next.rules.sources, (source) => isKept(source, old.rules.sourceByKey.get(source.key)));
  const oldSteps = new Map(old.rules.stepFeatures.map((step) => [step.key, step]));
  const keptSteps = keysWhere(next.rules.stepFeatures, (step) => (oldSteps.get(step.key)?.reachMs ?? -1) >= step.reachMs);
  const keptTraits = new Set([...next.rules.traits].filter(([root, paths]) => [...paths].every((path) => old.rules.traits.get(root)?.has(path))).map(([root]) => root));
  const isMissing = (leaf: Leaf): boolean => missingOf(leaf, { rules: next.rules, keptSources, keptSteps, keptTraits });
  const roots = next.rules.segments.filter((segment) => (changed.has(segment.key) && segment.stay !== undefined) || segment.places.some(({ leaf }) => isMissing(leaf)));
  const replayed = withNamed(next.rules, roots);
  return {
    changed: [...changed],
    removed: old.rules.segments.filter(({ key }) => !next.rules.segmentByKey.has(key)).map(({ key }) => key),
    history: needsOf(next.rules, replayed),
    replayed: replayed.map(({ definition }) => definition),
    keptSources, keptSteps, keptTraits,
  };
}

/** Those whose text changed or whose surroundings changed under them, and all that name one of these. */
function changedSegments(old: CompiledRules, next: CompiledRules): Set<string> {
  const changed = new Set<string>();
  const zoneMoved = old.workspaceDays !== next.workspaceDays;
  for (const segment of next.segments) {
    const before = old.segmentByKey.get(segment.key);
    const isSame = before !== undefined && canonicalDefinition(before.definition) === canonicalDefinition(segment.definition);
    const named = segment.names.some((index) => changed.has(next.segments[index]!.key));
    const moved = segment.places.some(({ leaf }) => (zoneMoved && isCalendar(leaf)) || (leaf instanceof ConsentLeaf && old.options.purposes?.[leaf.purpose] !== next.options.purposes?.[leaf.purpose]));
    if (!isSame || named || moved) changed.add(segment.key);
  }
  return changed;
}

function isCalendar(leaf: Leaf): boolean {
  if (leaf instanceof TraitLeaf || leaf instanceof ComputedLeaf) return leaf.test.time?.calendar === true;
  if (leaf instanceof SequenceLeaf) return leaf.source.calendar;
  return leaf instanceof GaugeLeaf && (leaf.gauge instanceof CountGauge || leaf.gauge instanceof RangeGauge) && leaf.gauge.window.calendar;
}

function keysWhere<T extends { readonly key: string }>(all: readonly T[], test: (one: T) => boolean): Set<string> {
  return new Set(all.filter(test).map((one) => one.key));
}

/** What comes as entries of its own is always kept; features only as deep as the old rules asked. */
function isKept(source: Source, old: Source | undefined): boolean {
  if (!(source instanceof GaugeSource) || !source.element) return true;
  if (!(old instanceof GaugeSource)) return false;
  const [had, wanted] = [old.depth, source.depth];
  return had.newest >= wanted.newest && had.fullMs >= wanted.fullMs && had.reachMs >= wanted.reachMs;
}

function missingOf(leaf: Leaf, kept: Pick<FullPlan, 'keptSources' | 'keptSteps' | 'keptTraits'> & { readonly rules: CompiledRules }): boolean {
  if (leaf instanceof TraitLeaf) return !kept.keptTraits.has(leaf.root);
  if (isCalendar(leaf) && !kept.keptTraits.has('timezone')) return true;
  if (leaf instanceof SequenceLeaf) return leaf.source.steps.some(({ index }) => !kept.keptSteps.has(kept.rules.stepFeatures[index]!.key));
  if (!(leaf instanceof GaugeLeaf) || leaf.gauge instanceof ScoreGauge) return false;
  return !kept.keptSources.has(kept.rules.sources[(leaf.gauge as CountGauge | RangeGauge).feature]!.key);
}

function withNamed(rules: CompiledRules, roots: readonly SegmentPlan[]): SegmentPlan[] {
  const found = new Set<number>();
  const visit = (index: number): void => {
    if (found.has(index)) return;
    found.add(index);
    rules.segments[index]!.names.forEach(visit);
  };
  for (const { index } of roots) visit(index);
  return rules.segments.filter(({ index }) => found.has(index));
}

function needsOf(rules: CompiledRules, segments: readonly SegmentPlan[]): HistoryNeeds {
  const leaves = [...new Set(segments.flatMap(({ places }) => places.map(({ leaf }) => leaf)))];
  const events = new Set<string>();
  for (const leaf of leaves) {
    if (leaf instanceof SequenceLeaf) leaf.source.steps.forEach(({ name }) => events.add(name));
    if (!(leaf instanceof GaugeLeaf) || leaf.gauge instanceof ScoreGauge) continue;
    events.add((rules.sources[(leaf.gauge as CountGauge | RangeGauge).feature] as GaugeSource).element!.event);
  }
  const asked = [...events];
  const consents = leaves.some((leaf) => leaf instanceof ConsentLeaf);
  if (consents) events.add('Consent Updated');
  const namesOf = <T>(type: new (...args: never[]) => T, name: (leaf: T) => string): string[] => [...new Set(leaves.filter((leaf) => leaf instanceof type).map((leaf) => name(leaf as T)))];
  const identify = leaves.some((leaf) => leaf instanceof TraitLeaf || isCalendar(leaf));
  const known = {
    scores: [...new Set(leaves.flatMap((leaf) => (leaf instanceof GaugeLeaf && leaf.gauge instanceof ScoreGauge ? [leaf.gauge.score] : [])))],
    computed: namesOf(ComputedLeaf, (leaf) => leaf.computed),
    clusters: namesOf(ClusterLeaf, (leaf) => leaf.model),
    lists: namesOf(ListLeaf, (leaf) => leaf.list),
  };
  // What is folded from all that was ever said, and memory, reach back to the beginning.
  const remembers = identify || consents || Object.values(known).some((names) => names.length > 0) || segments.some(({ stay }) => stay !== undefined);
  return {
    none: segments.length === 0,
    events: [...events],
    reachMs: remembers ? Infinity : Math.max(0, ...leaves.map((leaf) => reachOf(rules, leaf))),
    bodies: remembers || asked.some((name) => rules.routes.get(name)?.needsBody === true),
    identify,
    ...known,
    consents,
  };
}

/** How far back a leaf looks, ms. */
function reachOf(rules: CompiledRules, leaf: Leaf): number {
  if (leaf instanceof SequenceLeaf) return Math.max(...leaf.source.steps.map(({ index }) => rules.stepFeatures[index]!.reachMs));
  if (!(leaf instanceof GaugeLeaf) || leaf.gauge instanceof ScoreGauge) return 0;
  return (rules.sources[(leaf.gauge as CountGauge | RangeGauge).feature] as GaugeSource).depth.reachMs;
}

