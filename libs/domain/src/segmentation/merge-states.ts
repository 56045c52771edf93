import type { EngineParts } from './apply-entry.js';
import { orderTexts } from './compare-values.js';
import { findDues } from './decode-state.js';
import type { Flip } from './engine.js';
import { overrules, moveCalendar } from './fold-entry.js';
import { uniteSeries } from './unite-series.js';
import type { Leaf } from './leaf.js';
import type { ProfileState } from './profile-state.js';
import { GaugeSource } from './source.js';
import { StepSeries } from './step-series.js';

/**
 * Unites the loser's state into the survivor's and evaluates everything anew at `atMs`. Sets are united, so merging again
 * changes nothing and the order of merges does not matter. The loser's state is not changed.
 */
export function mergeStates(parts: EngineParts, survivor: ProfileState, loser: ProfileState, atMs: number): Flip[] {
  const { rules, evaluator } = parts;
  if (loser.bornMs < 0) return [];
  const wasBorn = survivor.bornMs >= 0;
  const before = new Map(survivor.members);
  const asked = rules.leaves.map((leaf) => leaf.holds(survivor, atMs));
  uniteKnown(survivor, loser, atMs);
  uniteTraits(survivor, loser);
  moveCalendar(rules, survivor);
  for (const [source, series] of loser.series) {
    const { depth } = rules.sources[source] as GaugeSource;
    survivor.series.set(source, uniteSeries(survivor.series.get(source), series, depth, atMs - 1));
  }
  for (const [feature, steps] of loser.steps) uniteSteps(survivor, steps, { feature, reachMs: rules.stepFeatures[feature]!.reachMs, nowMs: atMs - 1 });
  survivor.sequenceSpans.clear();
  if (!wasBorn) {
    survivor.bornMs = loser.bornMs;
    survivor.bornId = loser.bornId;
  }
  survivor.firedBeforeMs = Math.max(survivor.firedBeforeMs, atMs);
  findDues(rules, survivor);
  return evaluateMerged(parts, survivor, { before, loser, atMs, flipped: rules.leaves.filter((leaf, i) => wasBorn && leaf.holds(survivor, atMs) !== asked[i]), evaluator });
}

interface MergedMembers {
  readonly before: ReadonlyMap<number, number>;
  readonly loser: ProfileState;
  readonly atMs: number;
  readonly flipped: readonly Leaf[];
  readonly evaluator: EngineParts['evaluator'];
}

/** Whoever was inside in either profile was inside (rule 29); then every segment is asked again. */
function evaluateMerged(parts: EngineParts, survivor: ProfileState, at: MergedMembers): Flip[] {
  const { segments } = parts.rules;
  for (const [segment, since] of at.loser.members) {
    if (segments[segment]!.stay !== undefined && !survivor.members.has(segment)) survivor.members.set(segment, since);
  }
  const everything = segments.map((segment) => segment.index);
  const nodes = new Map(at.evaluator.update(survivor, at.atMs, { flipped: at.flipped, also: everything }, { by: 'merge' }).map((flip) => [flip.segment, flip.nodes]));
  const flips: Flip[] = [];
  for (const segment of segments) {
    const [was, is] = [at.before.get(segment.index), survivor.members.has(segment.index)];
    if (is) survivor.members.set(segment.index, was ?? at.atMs);
    if ((was !== undefined) === is) continue;
    flips.push({ segment: segment.key, version: segment.version, change: is ? 'entered' : 'left', atMs: at.atMs, by: 'merge', nodes: nodes.get(segment.key) ?? [] });
  }
  return flips;
}

function uniteTraits(survivor: ProfileState, loser: ProfileState): void {
  for (const [root, cell] of loser.traits) {
    const own = survivor.traits.get(root);
    if (!own || (own.timeMs - cell.timeMs || orderTexts(own.messageId, cell.messageId)) < 0) survivor.traits.set(root, cell);
  }
}

function uniteKnown(survivor: ProfileState, loser: ProfileState, atMs: number): void {
  // Scores, computed traits and clusters are made anew for the merged profile and come as entries; the survivor's hold until then.
  for (const [key, micros] of loser.scores) if (!survivor.scores.has(key)) survivor.scores.set(key, micros);
  for (const [key, value] of loser.computed) if (!survivor.computed.has(key)) survivor.computed.set(key, value);
  for (const [model, label] of loser.clusters) if (!survivor.clusters.has(model)) survivor.clusters.set(model, label);
  for (const list of loser.lists) survivor.lists.add(list);
  for (const purpose of new Set([...survivor.consents.keys(), ...loser.consents.keys()])) {
    const [own, other] = [survivor.consents.get(purpose), loser.consents.get(purpose)];
    if (own?.decision === 'withdrawn' || other?.decision === 'withdrawn') {
      // Stands until a decision made after the merge (rule 27).
      const occurredAtMs = Math.max(own?.occurredAtMs ?? -Infinity, other?.occurredAtMs ?? -Infinity, atMs);
      survivor.consents.set(purpose, { decision: 'withdrawn', occurredAtMs });
    } else if (other && (!own || overrules(other, own))) survivor.consents.set(purpose, other);
  }
}

function uniteSteps(survivor: ProfileState, steps: StepSeries, at: { readonly feature: number; readonly reachMs: number; readonly nowMs: number }): void {
  let own = survivor.steps.get(at.feature);
  if (!own) survivor.steps.set(at.feature, (own = new StepSeries()));
  for (const event of steps.events) own.insert(event, at.reachMs, at.nowMs);
  own.capped ||= steps.capped;
}
