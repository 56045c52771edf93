import type { WhereFilter } from '@tributary/contracts/rule';
import type { CompilePattern } from './engine.js';
import { KEPT_MAX } from './event-series.js';
import { CountGauge, type Gauge, RangeGauge, ScoreGauge } from './gauge.js';
import type { Leaf } from './leaf.js';
import { canonicalWhere, NameRoute, propertyReader, type ReadProperty } from './route-events.js';
import { GaugeSource, type FeatureElement, type SequenceSource, type Source } from './source.js';
import type { FixedRange, Window } from './window.js';

/** Kept of every counted feature, whatever is asked of it: enough for people to be shown a count. */
const SHOWN_MIN = 3;

/** The events of one name that fit a step of some sequence by themselves. */
export interface StepFeature {
  readonly index: number;
  readonly key: string;
  readonly name: string;
  readonly captures: readonly ReadProperty[];
  /** Shared by sequences with different windows: the longest. */
  reachMs: number;
  readonly sequences: SequenceSource[];
}

interface GaugeAsk {
  readonly name: string;
  readonly where: readonly WhereFilter[];
  readonly range: FixedRange | undefined;
  readonly fn: 'count' | 'sum' | 'avg' | 'min' | 'max' | 'distinct';
  readonly property: string | undefined;
  readonly window: Window;
}

/** Makes each leaf, feature, quantity and source once, however many rules ask for it. */
export class FeatureRegistry {
  readonly leaves: Leaf[] = [];
  readonly sources: Source[] = [];
  readonly stepFeatures: StepFeature[] = [];
  readonly routes = new Map<string, NameRoute<GaugeSource | StepFeature>>();
  /** Root of a trait → its paths that rules read. */
  readonly traits = new Map<string, Set<string>>();
  private readonly leafByKey = new Map<string, Leaf>();
  private readonly sourceByKey = new Map<string, Source>();
  private readonly gaugeByKey = new Map<string, Gauge>();
  private readonly stepByKey = new Map<string, StepFeature>();

  constructor(private readonly compilePattern: CompilePattern) {}

  leaf<T extends Leaf>(key: string, make: (key: string) => T): Leaf {
    const known = this.leafByKey.get(key);
    if (known) return known;
    const leaf = make(key);
    leaf.index = this.leaves.push(leaf) - 1;
    this.leafByKey.set(key, leaf);
    return leaf;
  }

  source<T extends Source>(key: string, make: (key: string) => T): T {
    const known = this.sourceByKey.get(key);
    if (known) return known as T;
    const source = make(key);
    source.index = this.sources.push(source) - 1;
    this.sourceByKey.set(key, source);
    return source;
  }

  trait(root: string, path: string): void {
    const paths = this.traits.get(root);
    if (paths) paths.add(path);
    else this.traits.set(root, new Set([path]));
  }

  score(score: string): Gauge {
    const source = this.source(`score ${score}`, (key) => new GaugeSource(key));
    return this.gaugeOf(source, `score ${score}`, () => new ScoreGauge(score));
  }

  gauge(ask: GaugeAsk): Gauge {
    const kind = elementKind(ask);
    const base = featureKey(ask);
    const key = `${kind} ${kind === 'time' ? '' : JSON.stringify(ask.property)} ${base}`;
    const source = this.source(key, () => {
      const read = ask.property === undefined ? undefined : propertyReader(ask.property, ask.name);
      const made = new GaugeSource(key, { event: ask.name, kind, property: ask.property, read });
      const route = this.route(ask.name);
      route.add(made, ask.where, ask.range);
      if (read) route.needsBody = true;
      return made;
    });
    return this.gaugeOf(source, `${key} ${ask.fn} ${ask.window.key}`, (name) => {
      source.calendar ||= ask.window.calendar;
      const newestAnswer = !ask.window.gapped && (ask.fn === 'count' || ask.fn === 'distinct');
      return newestAnswer ? new CountGauge(name, source.index, ask.window) : new RangeGauge(name, source.index, ask.window, ask.fn);
    });
  }

  step(ask: { readonly name: string; readonly where: readonly WhereFilter[]; readonly range: FixedRange | undefined; readonly captures: readonly string[]; readonly reachMs: number }): StepFeature {
    const key = `step ${JSON.stringify(ask.captures)} ${featureKey(ask)}`;
    const known = this.stepByKey.get(key);
    if (known) {
      known.reachMs = Math.max(known.reachMs, ask.reachMs);
      return known;
    }
    const captures = ask.captures.map((path) => propertyReader(path, ask.name));
    const made: StepFeature = { index: this.stepFeatures.length, key, name: ask.name, captures, reachMs: ask.reachMs, sequences: [] };
    this.stepFeatures.push(made);
    this.stepByKey.set(key, made);
    const route = this.route(ask.name);
    route.add(made, ask.where, ask.range);
    if (captures.length > 0) route.needsBody = true;
    return made;
  }

  /** Once every rule is compiled: sorts what is compared with, and settles how deep each feature must be kept. */
  finish(): void {
    for (const gauge of this.gaugeByKey.values()) gauge.finish();
    for (const source of this.sources) {
      if (!(source instanceof GaugeSource)) continue;
      source.finish();
      if (source.element) settleDepth(source, source.element);
    }
  }

  private gaugeOf(source: GaugeSource, key: string, make: (key: string) => Gauge): Gauge {
    const known = this.gaugeByKey.get(key);
    if (known) return known;
    const gauge = make(key);
    this.gaugeByKey.set(key, gauge);
    source.gauges.push(gauge);
    return gauge;
  }

  private route(name: string): NameRoute<GaugeSource | StepFeature> {
    const known = this.routes.get(name);
    if (known) return known;
    const route = new NameRoute<GaugeSource | StepFeature>(name, this.compilePattern);
    this.routes.set(name, route);
    return route;
  }
}

function elementKind(ask: GaugeAsk): FeatureElement['kind'] {
  if (ask.fn === 'count') return 'time';
  if (ask.fn !== 'distinct') return 'number';
  return ask.window.gapped ? 'distinctAll' : 'distinct';
}

function featureKey(ask: { readonly name: string; readonly where: readonly WhereFilter[]; readonly range: FixedRange | undefined }): string {
  const range = ask.range ? `[${ask.range.fromMs},${ask.range.toMs})` : '';
  return `${JSON.stringify(ask.name)} ${range} ${canonicalWhere(ask.where)}`;
}

function settleDepth(source: GaugeSource, element: FeatureElement): void {
  let [newest, fullMs, reachMs] = [element.kind === 'time' || element.kind === 'distinct' ? SHOWN_MIN : 0, 0, 0];
  for (const gauge of source.gauges) {
    if (!(gauge instanceof CountGauge) && !(gauge instanceof RangeGauge)) continue;
    reachMs = Math.max(reachMs, gauge.window.reachMs);
    const needed = gauge instanceof CountGauge ? Number(gauge.scale.highest) : Infinity;
    if (needed <= KEPT_MAX) newest = Math.max(newest, needed);
    else fullMs = Math.max(fullMs, gauge.window.reachMs);
  }
  const valued = element.kind === 'number' || element.kind === 'distinctAll';
  source.depth = { newest, fullMs, reachMs, valued, latest: element.kind === 'distinct', tiled: element.kind === 'time' || element.kind === 'number' };
}
