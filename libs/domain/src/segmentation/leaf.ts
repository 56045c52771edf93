import type { Json } from '@tributary/contracts/rule';
import type { BoundPair, BoundScale } from './bounds.js';
import type { Gauge } from './gauge.js';
import type { ProfileState } from './profile-state.js';
import { bucketPercent, isInBucket } from './random-bucket.js';
import { readTrait } from './read-trait.js';
import type { SequenceSource } from './source.js';
import type { CompiledTest } from './test-value.js';

/** A condition without logic inside. Rules that ask the same share one leaf. */
export abstract class Leaf {
  /** Place in the engine's list of leaves. */
  index = -1;
  /** Segments whose rule or `stay` contains it, each once, by index. */
  readonly parents: number[] = [];

  constructor(readonly key: string) {}

  /** With what the state knows, at `t`. */
  abstract holds(state: ProfileState, t: number): boolean;
}

/** A quantity between two bounds of its gauge's scale. */
export class GaugeLeaf extends Leaf {
  low = 0;
  high = Infinity;

  constructor(key: string, readonly gauge: Gauge, private readonly bounds: BoundPair) {
    super(key);
    gauge.add(this, bounds);
  }

  /** Once the scale is sorted: which positions satisfy. */
  place(scale: BoundScale): void {
    this.low = this.bounds.lower ? scale.indexOf(this.bounds.lower) + 1 : 0;
    this.high = this.bounds.upper ? scale.indexOf(this.bounds.upper) : Infinity;
  }

  /** The count from which on more would not matter; of whole quantities only. */
  get needed(): number {
    const { scale } = this.gauge;
    const last = this.high < scale.length ? this.high + 1 : this.low;
    return last === 0 ? 0 : Number(scale.wholeBefore(last));
  }

  meets(position: number): boolean {
    return position >= this.low && position <= this.high;
  }

  holds(state: ProfileState, t: number): boolean {
    return this.meets(this.gauge.position(state, t));
  }
}

export class SequenceLeaf extends Leaf {
  constructor(key: string, readonly source: SequenceSource) {
    super(key);
  }

  holds(state: ProfileState, t: number): boolean {
    for (const span of this.source.spans(state)) if (t >= span.from && t < span.until) return true;
    return false;
  }
}

/** A test of a trait. */
export class TraitLeaf extends Leaf {
  constructor(key: string, readonly root: string, readonly path: string, readonly test: CompiledTest) {
    super(key);
  }

  holds(state: ProfileState, t: number): boolean {
    return this.test.holds(readTrait(state, this.root, this.path), t, state.days);
  }
}

/** A test of a computed trait. */
export class ComputedLeaf extends Leaf {
  constructor(key: string, readonly computed: string, readonly test: CompiledTest) {
    super(key);
  }

  holds(state: ProfileState, t: number): boolean {
    return this.test.holds(state.computed.get(this.computed), t, state.days);
  }
}

export class ClusterLeaf extends Leaf {
  private readonly labels: ReadonlySet<string>;

  constructor(key: string, readonly model: string, labels: readonly string[]) {
    super(key);
    this.labels = new Set(labels);
  }

  holds(state: ProfileState): boolean {
    const label = state.clusters.get(this.model);
    return label !== undefined && this.labels.has(label);
  }
}

export class SegmentLeaf extends Leaf {
  /** The named segment's index, once segments are in order. */
  segment = -1;

  constructor(key: string, readonly named: string) {
    super(key);
  }

  holds(state: ProfileState): boolean {
    return state.members.has(this.segment);
  }
}

export class ListLeaf extends Leaf {
  constructor(key: string, readonly list: string) {
    super(key);
  }

  holds(state: ProfileState): boolean {
    return state.lists.has(this.list);
  }
}

export class ConsentLeaf extends Leaf {
  /** `byDefault`: what stands where nothing was decided (rule 27). */
  constructor(key: string, readonly purpose: string, private readonly is: Json, private readonly byDefault: 'granted' | undefined) {
    super(key);
  }

  holds(state: ProfileState): boolean {
    return this.standing(state) === this.is;
  }

  standing(state: ProfileState): 'granted' | 'withdrawn' | undefined {
    return state.consents.get(this.purpose)?.decision ?? this.byDefault;
  }
}

export class RandomLeaf extends Leaf {
  constructor(key: string, private readonly random: { readonly salt: string; readonly from: number; readonly to: number }) {
    super(key);
  }

  holds(state: ProfileState): boolean {
    return isInBucket(this.random, state.profileId);
  }

  percent(state: ProfileState): number {
    return bucketPercent(this.random.salt, state.profileId);
  }
}
