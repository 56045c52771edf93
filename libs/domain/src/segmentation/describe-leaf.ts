import type { Json } from '@tributary/contracts/rule';
import { orderTexts } from './compare-values.js';
import type { CompiledRules } from './compiled-rules.js';
import type { CountedEvent } from './engine.js';
import { CountGauge, type Gauge, RangeGauge, ScoreGauge } from './gauge.js';
import { ClusterLeaf, ComputedLeaf, ConsentLeaf, GaugeLeaf, type Leaf, RandomLeaf, SequenceLeaf, TraitLeaf } from './leaf.js';
import { readTrait } from './read-trait.js';
import type { ProfileState } from './profile-state.js';
import type { GaugeSource } from './source.js';

const EVENTS_SHOWN_MAX = 100;

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

/** The newest events that a leaf counts at `t`, oldest first. */
export function countedEvents(rules: CompiledRules, leaf: Leaf, state: ProfileState, t: number): CountedEvent[] {
  if (leaf instanceof TraitLeaf) {
    const cell = state.traits.get(leaf.root);
    return cell ? [{ name: 'identify', timestampMs: cell.timeMs, messageId: cell.messageId }] : [];
  }
  if (leaf instanceof SequenceLeaf) return sequenceEvents(leaf, state, t);
  if (!(leaf instanceof GaugeLeaf)) return [];
  const { gauge } = leaf;
  if (!(gauge instanceof CountGauge) && !(gauge instanceof RangeGauge)) return [];
  const series = state.series.get(gauge.feature);
  const { element } = rules.sources[gauge.feature] as GaugeSource;
  if (!series || !element) return [];
  const from = series.firstAfter(gauge.window.lowAt(t, state.days));
  const to = gauge.window.gapped ? series.firstAfter(gauge.window.highAt(t)) : series.times.length;
  const events: CountedEvent[] = [];
  for (let i = Math.max(from, to - EVENTS_SHOWN_MAX, series.tiles.length); i < to; i += 1) {
    events.push({ name: element.event, timestampMs: series.times[i]!, ...(element.kind !== 'distinct' && { idHash: series.ids[i]! }) });
  }
  return events;
}

/** The events that fit some step and lie in the window, whether or not they are part of a match. */
function sequenceEvents(leaf: SequenceLeaf, state: ProfileState, t: number): CountedEvent[] {
  const { steps, plan } = leaf.source;
  const byId = new Map<string, CountedEvent>();
  for (const { index, name } of steps) {
    for (const { time, messageId } of state.steps.get(index)?.events ?? []) {
      if (time > plan.window.lowAt(t, state.days)) byId.set(messageId, { name, timestampMs: time, messageId });
    }
  }
  return [...byId.values()].sort((a, b) => a.timestampMs - b.timestampMs || orderTexts(a.messageId!, b.messageId!)).slice(-EVENTS_SHOWN_MAX);
}

/** Does the answer rest on events that are no longer kept one by one (rule 21)? */
export function isApproximate(leaf: Leaf, state: ProfileState, t: number): boolean {
  if (leaf instanceof SequenceLeaf) return leaf.source.steps.some(({ index }) => state.steps.get(index)?.capped === true);
  if (!(leaf instanceof GaugeLeaf)) return false;
  const { gauge } = leaf;
  if (!(gauge instanceof CountGauge) && !(gauge instanceof RangeGauge)) return false;
  const series = state.series.get(gauge.feature);
  if (!series?.approximate) return false;
  const from = series.firstAfter(gauge.window.lowAt(t, state.days));
  if (series.capped ? from > 0 : from >= series.tiles.length) return false;
  // Enough of the newest events are there one by one to answer a threshold.
  return !(gauge instanceof CountGauge) || leaf.needed > series.times.length - series.tiles.length;
}
