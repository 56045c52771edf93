import type { RuleNode, SegmentRule } from '@tributary/contracts/rule';
import { valueKey } from './compare-values.js';
import { RuleCompiler, type LeafPlace } from './compile-rule.js';
import type { EngineOptions } from './engine.js';
import { FeatureRegistry, type StepFeature } from './feature-registry.js';
import { hashText } from './hash-text.js';
import { type Leaf, RandomLeaf, SegmentLeaf } from './leaf.js';
import { localDays, utcDays, type LocalDays } from './local-days.js';
import { orderSegments } from './order-segments.js';
import { planVisits, type Visits } from './plan-visits.js';
import { compileProgram, type Expression, type Program } from './program.js';
import type { NameRoute } from './route-events.js';
import { GaugeSource, type Source, ValueSource } from './source.js';

/** A segment made ready. Its index is its place in dependency order: it names only segments with lower ones. */
export interface SegmentPlan {
  readonly index: number;
  readonly key: string;
  /** Its identity in stored states. */
  readonly id: number;
  readonly version: number;
  readonly definition: SegmentRule;
  readonly rule: Program;
  /** What `rule` was compiled from. */
  readonly expression: Expression;
  readonly stay: Program | undefined;
  readonly places: readonly LeafPlace[];
  /** Names these segments, by index. */
  readonly names: readonly number[];
  /** Its answer depends on the profile id, itself or through segments that it names. */
  readonly random: boolean;
}

/** The rules of one workspace as shared, indexed parts. */
export interface CompiledRules {
  readonly options: EngineOptions;
  readonly leaves: readonly Leaf[];
  readonly sources: readonly Source[];
  readonly stepFeatures: readonly StepFeature[];
  readonly routes: ReadonlyMap<string, NameRoute<GaugeSource | StepFeature>>;
  /** Root of a trait → its paths that rules read. */
  readonly traits: ReadonlyMap<string, ReadonlySet<string>>;
  /** Root of a trait → the sources that it feeds. */
  readonly traitSources: ReadonlyMap<string, readonly Source[]>;
  readonly sourceByKey: ReadonlyMap<string, Source>;
  readonly calendarSources: readonly Source[];
  readonly segments: readonly SegmentPlan[];
  readonly segmentByKey: ReadonlyMap<string, SegmentPlan>;
  /** By segment index: the leaf that stands for membership in it, where a rule names it. */
  readonly segmentLeaves: readonly (SegmentLeaf | undefined)[];
  /** Whom to ask when a leaf flips. */
  readonly visits: Visits;
  readonly workspaceDays: LocalDays;
  /** Same number, same features: stored instants of the next change can be trusted. */
  readonly fingerprint: number;
}

/** Throws on rules that `validateRule` would refuse, and on cycles. */
export function compileRules(options: EngineOptions): CompiledRules {
  const registry = new FeatureRegistry(options.compilePattern);
  const compiler = new RuleCompiler(registry, options);
  const definitions = orderSegments(options.segments);
  const indexByKey = new Map(definitions.map((definition, index) => [definition.key, index]));
  const segments: SegmentPlan[] = [];
  for (const definition of definitions) segments.push(compileSegment(definition, { compiler, segments, indexByKey }));
  registry.finish();
  const calendarSources = registry.sources.filter((source) => source.calendar);
  if (calendarSources.length > 0) registry.trait('timezone', 'timezone');
  const segmentLeaves: (SegmentLeaf | undefined)[] = segments.map(() => undefined);
  for (const leaf of registry.leaves) {
    if (!(leaf instanceof SegmentLeaf)) continue;
    leaf.segment = indexByKey.get(leaf.named)!;
    segmentLeaves[leaf.segment] = leaf;
  }
  const sourceByKey = new Map(registry.sources.map((source) => [source.key, source]));
  return {
    options, segments, segmentLeaves, calendarSources, sourceByKey,
    visits: planVisits(registry.leaves, segments, sourceByKey),
    leaves: registry.leaves,
    sources: registry.sources,
    stepFeatures: registry.stepFeatures,
    routes: registry.routes,
    traits: registry.traits,
    traitSources: sourcesByRoot(registry),
    segmentByKey: new Map(segments.map((segment) => [segment.key, segment])),
    workspaceDays: (options.timezone === undefined ? undefined : localDays(options.timezone)) ?? utcDays,
    fingerprint: fingerprintOf(registry, options),
  };
}

/** Keeps the features of `rules` as deep as those of `deeper`, which has them all. */
export function takeDepths(rules: CompiledRules, deeper: CompiledRules): void {
  for (const source of rules.sources) {
    const same = deeper.sourceByKey.get(source.key);
    if (source instanceof GaugeSource && same instanceof GaugeSource) source.depth = same.depth;
  }
  const reaches = new Map(deeper.stepFeatures.map((step) => [step.key, step.reachMs]));
  for (const step of rules.stepFeatures) step.reachMs = reaches.get(step.key) ?? step.reachMs;
  // A trait is stored with every path that is read of it.
  for (const [root, paths] of rules.traits) deeper.traits.get(root)?.forEach((path) => (paths as Set<string>).add(path));
}

function compileSegment(definition: SegmentRule, at: { readonly compiler: RuleCompiler; readonly segments: readonly SegmentPlan[]; readonly indexByKey: ReadonlyMap<string, number> }): SegmentPlan {
  const index = at.segments.length;
  const places: LeafPlace[] = [];
  const expression = at.compiler.compile(definition.rule, '/rule', places);
  const rule = compileProgram(expression);
  const stay = definition.stay === undefined ? undefined : compileProgram(at.compiler.compile(definition.stay, '/stay', places));
  const leaves = new Set(places.map((place) => place.leaf));
  const names: number[] = [];
  let random = false;
  for (const leaf of leaves) {
    leaf.parents.push(index);
    if (leaf instanceof RandomLeaf) random = true;
    if (!(leaf instanceof SegmentLeaf)) continue;
    const named = at.indexByKey.get(leaf.named);
    if (named === undefined) throw new Error(`segment ${definition.key} names ${leaf.named}, which there is not`);
    names.push(named);
    random ||= at.segments[named]!.random;
  }
  return { index, key: definition.key, id: hashText(`segment ${definition.key}`), version: definition.version, definition, rule, expression, stay, places, names, random };
}

function sourcesByRoot(registry: FeatureRegistry): Map<string, Source[]> {
  const byRoot = new Map<string, Source[]>();
  for (const [root, paths] of registry.traits) {
    const sources = registry.sources.filter((source) => source instanceof ValueSource && source.key.startsWith('trait ') && paths.has(source.key.slice(6)));
    byRoot.set(root, sources);
  }
  return byRoot;
}

function fingerprintOf(registry: FeatureRegistry, options: EngineOptions): number {
  const parts = registry.leaves.map((leaf) => leaf.key).sort();
  return hashText(`${valueKey(options.timezone ?? '')}\n${parts.join('\n')}`);
}

/** Same text, same meaning: used to tell which definitions an edit changed. */
export function canonicalDefinition(definition: { readonly rule: RuleNode; readonly stay?: RuleNode }): string {
  return valueKey([definition.rule, definition.stay ?? null] as never);
}
