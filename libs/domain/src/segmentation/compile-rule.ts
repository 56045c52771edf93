import type { Json, PerformedNode, RuleNode, SequenceNode, TraitNode, ValueOp } from '@tributary/contracts/rule';
import { boundsOf } from './bounds.js';
import { orderTexts, valueKey } from './compare-values.js';
import { planSequence } from './compile-sequence.js';
import type { EngineOptions } from './engine.js';
import type { FeatureRegistry } from './feature-registry.js';
import { ClusterLeaf, ComputedLeaf, ConsentLeaf, GaugeLeaf, type Leaf, ListLeaf, RandomLeaf, SegmentLeaf, SequenceLeaf, TraitLeaf } from './leaf.js';
import type { Expression } from './program.js';
import { readTrait } from './read-trait.js';
import { PlainSource, SequenceSource, ValueSource } from './source.js';
import { canonicalTest, compileTest, onlyWhereThere } from './test-value.js';
import { compileWindow } from './window.js';

/** A leaf and where it stands in a definition. */
export interface LeafPlace {
  readonly leaf: Leaf;
  readonly path: string;
  readonly node: RuleNode;
}

/**
 * Turns rules into expressions over shared leaves. Leaves that ask the same are made once, and so are the features, scores
 * and traits that they read.
 */
export class RuleCompiler {
  constructor(private readonly registry: FeatureRegistry, private readonly options: EngineOptions) {}

  compile(node: RuleNode, path: string, places: LeafPlace[]): Expression {
    if ('and' in node) return { and: node.and.map((child, i) => this.compile(child, `${path}/and/${i}`, places)) };
    if ('or' in node) return { or: node.or.map((child, i) => this.compile(child, `${path}/or/${i}`, places)) };
    if ('not' in node) return { not: this.compile(node.not, `${path}/not`, places) };
    const leaf = this.leafOf(node);
    places.push({ leaf, path, node });
    return { leaf };
  }

  private leafOf(node: RuleNode): Leaf {
    if ('trait' in node) return this.traitLeaf(node);
    if ('performed' in node) return this.performedLeaf(node);
    if ('sequence' in node) return this.sequenceLeaf(node);
    if ('score' in node) {
      const key = `score ${node.score} ${node.op} ${valueKey(node.value as Json)}`;
      return this.registry.leaf(key, () => new GaugeLeaf(key, this.registry.score(node.score), boundsOf(node.op, node.value as Json)));
    }
    if ('computed' in node) return this.computedLeaf(node);
    return this.plainLeaf(node);
  }

  private traitLeaf(node: TraitNode): Leaf {
    const key = `trait ${node.trait} ${canonicalTest(node)}`;
    return this.registry.leaf(key, () => {
      const root = node.trait.split('.')[0]!;
      const leaf = new TraitLeaf(key, root, node.trait, compileTest(node, this.options.compilePattern));
      this.registry.trait(root, node.trait);
      this.registry.source(`trait ${node.trait}`, (name) => new ValueSource(name, (state) => readTrait(state, root, node.trait))).add(leaf);
      return leaf;
    });
  }

  private computedLeaf(node: { readonly computed: string; readonly op: ValueOp; readonly value?: Json }): Leaf {
    const key = `computed ${node.computed} ${canonicalTest(node)}`;
    return this.registry.leaf(key, () => {
      const leaf = new ComputedLeaf(key, node.computed, onlyWhereThere(compileTest(node, this.options.compilePattern)));
      this.registry.source(`computed ${node.computed}`, (name) => new ValueSource(name, (state) => state.computed.get(node.computed))).add(leaf);
      return leaf;
    });
  }

  private performedLeaf(node: PerformedNode): Leaf {
    const { window, range } = compileWindow(node);
    const fn = node.aggregate?.fn ?? 'count';
    const [op, value] = node.aggregate ? [node.op!, node.value!] : [node.count?.op ?? 'gte', node.count?.value ?? 1];
    const gauge = this.registry.gauge({ name: node.performed, where: node.where ?? [], range, fn, property: node.aggregate?.property, window });
    const key = `${gauge.key} ${op} ${valueKey(value as Json)}`;
    return this.registry.leaf(key, () => new GaugeLeaf(key, gauge, boundsOf(op, value as Json)));
  }

  private sequenceLeaf(node: SequenceNode): Leaf {
    const { key, plan, steps } = planSequence(node, this.registry);
    return this.registry.leaf(key, () => {
      const source = this.registry.source(key, (name) => new SequenceSource(name, plan, steps));
      for (const step of new Set(steps)) step.sequences.push(source);
      source.leaf = new SequenceLeaf(key, source);
      return source.leaf;
    });
  }

  private plainLeaf(node: RuleNode): Leaf {
    const { registry } = this;
    if ('cluster' in node) {
      const key = `cluster ${node.cluster} ${[...new Set(node.in)].sort(orderTexts).map((label) => JSON.stringify(label)).join(',')}`;
      return this.plain(`cluster ${node.cluster}`, key, () => new ClusterLeaf(key, node.cluster, node.in));
    }
    if ('list' in node) return this.plain(`list ${node.list}`, `list ${node.list}`, (key) => new ListLeaf(key, node.list));
    if ('consent' in node) {
      const byDefault = this.options.purposes?.[node.consent] === 'opt-out' ? 'granted' : undefined;
      return this.plain(`consent ${node.consent}`, `consent ${node.consent} ${node.is}`, (key) => new ConsentLeaf(key, node.consent, node.is, byDefault));
    }
    if ('segment' in node) return registry.leaf(`segment ${node.segment}`, (key) => new SegmentLeaf(key, node.segment));
    if ('random' in node) {
      const { salt, from, to } = node.random;
      return registry.leaf(`random ${JSON.stringify(salt)} ${from} ${to}`, (key) => new RandomLeaf(key, node.random));
    }
    throw new Error(`no such rule node: ${Object.keys(node).join(' ')}`);
  }

  private plain(sourceKey: string, key: string, make: (key: string) => Leaf): Leaf {
    return this.registry.leaf(key, () => {
      const leaf = make(key);
      this.registry.source(sourceKey, (name) => new PlainSource(name)).all.push(leaf);
      return leaf;
    });
  }
}
