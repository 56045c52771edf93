import type { CompiledRules, SegmentPlan } from './compiled-rules.js';
import { findDues } from './decode-state.js';
import type { Engine, Flip } from './engine.js';
import { moveCalendar } from './fold-entry.js';
import { hashText } from './hash-text.js';
import { planFully, type FullPlan } from './plan-rebuild.js';
import type { ProfileState } from './profile-state.js';
import { RuleEngine } from './rule-engine.js';
import type { HistoryEntry } from './rule-entry.js';
import { StepSeries } from './step-series.js';
import { copySeries } from './unite-series.js';
import { evaluate } from './view-segments.js';

/** What a change of definitions asks for. */
export interface RebuildPlan {
  /** Segments that are new, changed, or depend on one that changed; all are evaluated anew. */
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  /** Which entries of history `rebuild` must be given. */
  readonly history: HistoryNeeds;
}

export interface HistoryNeeds {
  /** Nothing of history is needed: the kept state answers the new definitions. */
  readonly none: boolean;
  /** Event names as in the entry header. */
  readonly events: readonly string[];
  /** Events whose own time is older than this, ms, change nothing; Infinity: all are needed. */
  readonly reachMs: number;
  /** Something in the bodies is asked for; else the headers are enough. */
  readonly bodies: boolean;
  readonly identify: boolean;
  /** `stay` is replayed: score, computed, cluster, list and consent entries at their times are needed too. */
  readonly scores: readonly string[];
  readonly computed: readonly string[];
  readonly clusters: readonly string[];
  readonly lists: readonly string[];
  readonly consents: boolean;
}

/** Compares two definitions versions of a workspace. Depends on the definitions only, not on any profile. */
export function planRebuild(old: Engine, next: Engine): RebuildPlan {
  return planFully(old as RuleEngine, next as RuleEngine);
}

/**
 * Moves one profile from `old` to `next` at the watermark `atMs` (the state has been advanced to it). `history` is what the
 * plan asked for (more does no harm), in the order in which it became known. Returns a new state and the flips: new − old, all at `atMs`.
 */
export function rebuild(
  engines: { readonly old: Engine; readonly next: Engine; readonly plan?: RebuildPlan },
  oldState: ProfileState,
  history: Iterable<HistoryEntry>,
  atMs: number,
): { readonly state: ProfileState; readonly flips: readonly Flip[] } {
  const [old, next] = [engines.old as RuleEngine, engines.next as RuleEngine];
  const plan = (engines.plan as FullPlan | undefined) ?? planFully(old, next);
  const state = next.newState(oldState.profileId);
  if (oldState.bornMs < 0) return { state, flips: [] };
  const replayed = plan.replayed.length === 0 ? undefined : replayHistory({ plan, next }, oldState, history, atMs);
  moveKept(old.rules, next.rules, { from: oldState, to: state, keeps: (kept, key) => plan[kept].has(key) });
  if (replayed) moveKept(replayed.engine.rules, next.rules, { from: replayed.state, to: state, keeps: (kept, key) => !plan[kept].has(key) });
  moveKnown(oldState, state);
  moveCalendar(next.rules, state);
  state.firedBeforeMs = Math.max(oldState.firedBeforeMs, atMs);
  const flips = settleMembers({ plan, old, next, oldState, replayed }, state, atMs);
  findDues(next.rules, state);
  return { state, flips };
}

interface Replayed {
  readonly engine: RuleEngine;
  readonly state: ProfileState;
}

/** Plays history through the definitions that need it, from the profile's birth, as if they had always been there. */
function replayHistory(at: { readonly plan: FullPlan; readonly next: RuleEngine }, oldState: ProfileState, history: Iterable<HistoryEntry>, atMs: number): Replayed {
  const engine = replayEngine(at.plan, at.next);
  const states = new Map<string, ProfileState>();
  const stateOf = (profileId: string, entry: HistoryEntry): ProfileState => {
    const known = states.get(profileId);
    if (known) return known;
    const state = engine.newState(profileId);
    states.set(profileId, state);
    // History holds only what the plan asked for: the profile may have been born by something else.
    const isBirth = entry.kind === 'event' ? hashText(entry.messageId) === oldState.bornId : entry.kind !== 'birth' && oldState.bornId === 0 && entry.appendedAtMs === oldState.bornMs;
    if (profileId === oldState.profileId && !isBirth) engine.apply(state, { kind: 'birth', appendedAtMs: oldState.bornMs });
    return state;
  };
  for (const entry of history) {
    const state = stateOf(entry.profileId ?? oldState.profileId, entry);
    engine.advance(state, entry.appendedAtMs);
    if (entry.kind !== 'merge') engine.apply(state, entry);
    else if (states.has(entry.loserId)) engine.merge(state, states.get(entry.loserId)!, entry.appendedAtMs);
  }
  const state = stateOf(oldState.profileId, { kind: 'birth', appendedAtMs: oldState.bornMs });
  engine.advance(state, atMs);
  return { engine, state };
}

/** One per plan: many profiles are replayed through it. */
const replayEngines = new WeakMap<FullPlan, RuleEngine>();

function replayEngine(plan: FullPlan, next: RuleEngine): RuleEngine {
  const known = replayEngines.get(plan);
  if (known) return known;
  const engine = new RuleEngine({ ...next.rules.options, segments: plan.replayed }, next.rules);
  replayEngines.set(plan, engine);
  return engine;
}

/** Members of unchanged segments stay; of the others, those who were not inside enter and those no longer inside leave. */
function settleMembers(at: { readonly plan: FullPlan; readonly old: RuleEngine; readonly next: RuleEngine; readonly oldState: ProfileState; readonly replayed: Replayed | undefined }, state: ProfileState, atMs: number): Flip[] {
  const { plan, old, next, oldState, replayed } = at;
  const changed = new Set(plan.changed);
  const flips: Flip[] = [];
  const flip = (segment: SegmentPlan, change: Flip['change']): void => {
    flips.push({ segment: segment.key, version: segment.version, change, atMs, by: 'definition', nodes: [] });
  };
  for (const key of plan.removed) {
    const segment = old.rules.segmentByKey.get(key)!;
    if (oldState.members.has(segment.index)) flip(segment, 'left');
  }
  const leafHolds = (leaf: number): boolean => next.rules.leaves[leaf]!.holds(state, atMs - 1);
  for (const segment of next.rules.segments) {
    const before = old.rules.segmentByKey.get(segment.key);
    const since = before && oldState.members.get(before.index);
    const inside = !changed.has(segment.key) ? since !== undefined
      : segment.stay === undefined ? evaluate(segment, false, leafHolds)
      : replayed!.engine.isMember(replayed!.state, segment.key);
    if (inside) state.members.set(segment.index, since ?? atMs);
    if (inside !== (since !== undefined)) flip(segment, inside ? 'entered' : 'left');
  }
  return flips;
}

/** Copies what both rules keep of events and traits; a state's numbers are its engine's own, so it goes by key. */
function moveKept(fromRules: CompiledRules, toRules: CompiledRules, at: { readonly from: ProfileState; readonly to: ProfileState; readonly keeps: (kept: 'keptSources' | 'keptSteps' | 'keptTraits', key: string) => boolean }): void {
  const { from, to, keeps } = at;
  for (const [index, series] of from.series) {
    const source = toRules.sourceByKey.get(fromRules.sources[index]!.key);
    if (source && keeps('keptSources', source.key)) to.series.set(source.index, copySeries(series));
  }
  const steps = new Map(toRules.stepFeatures.map((step) => [step.key, step]));
  for (const [index, series] of from.steps) {
    const step = steps.get(fromRules.stepFeatures[index]!.key);
    if (!step || !keeps('keptSteps', step.key)) continue;
    const copy = new StepSeries();
    copy.events = [...series.events];
    copy.capped = series.capped;
    to.steps.set(step.index, copy);
  }
  for (const [root, cell] of from.traits) {
    const paths = toRules.traits.get(root);
    if (paths && keeps('keptTraits', root)) to.traits.set(root, { ...cell, values: new Map([...cell.values].filter(([path]) => paths.has(path))) });
  }
}

function moveKnown(from: ProfileState, to: ProfileState): void {
  to.bornMs = from.bornMs;
  to.bornId = from.bornId;
  for (const [key, micros] of from.scores) to.scores.set(key, micros);
  for (const [key, value] of from.computed) to.computed.set(key, value);
  for (const [model, label] of from.clusters) to.clusters.set(model, label);
  for (const list of from.lists) to.lists.add(list);
  for (const [purpose, made] of from.consents) to.consents.set(purpose, made);
}
