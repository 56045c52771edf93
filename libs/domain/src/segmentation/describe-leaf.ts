import type { Json } from '@tributary/contracts/rule';
import { CountGauge, type Gauge, RangeGauge, ScoreGauge } from './gauge.js';
import { ClusterLeaf, ComputedLeaf, ConsentLeaf, GaugeLeaf, type Leaf, RandomLeaf, SequenceLeaf, TraitLeaf } from './leaf.js';
import { readTrait } from './read-trait.js';
import type { ProfileState } from './profile-state.js';

/**
 * What the leaf found, for people: a count, a sum, a trait's value. Where fewer events are kept than there may be, it is
 * `{"atLeast": n}`; null where there is nothing.
 */
export function actualOf(leaf: Leaf, state: ProfileState, t: number): Json {
  if (leaf instanceof GaugeLeaf) return gaugeActual(leaf.gauge, state, t);
  if (leaf instanceof TraitLeaf) return readTrait(state, leaf.root, leaf.path) ?? null;
  if (leaf instanceof ComputedLeaf) return state.computed.get(leaf.computed) ?? null;
  if (leaf instanceof ClusterLeaf) return state.clusters.get(leaf.model) ?? null;
  if (leaf instanceof ConsentLeaf) return leaf.standing(state) ?? null;
  if (leaf instanceof RandomLeaf) return leaf.percent(state);
  if (leaf instanceof SequenceLeaf) return leaf.holds(state, t);
  return leaf.holds(state, t);
}

function gaugeActual(gauge: Gauge, state: ProfileState, t: number): Json {
  if (gauge instanceof ScoreGauge) {
    const micros = state.scores.get(gauge.score);
    return micros === undefined ? null : micros / 1e6;
  }
  if (gauge instanceof RangeGauge) return gauge.quantity(state, t) ?? null;
  if (!(gauge instanceof CountGauge)) return null;
  const series = state.series.get(gauge.feature);
  if (!series) return 0;
  const count = series.countAfter(gauge.window.lowAt(t, state.days));
  // Something older was left out: if all that is kept counts, there may be more.
  return series.evicted && count >= series.times.length ? { atLeast: count } : count;
}
