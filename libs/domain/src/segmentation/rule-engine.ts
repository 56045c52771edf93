import { applyEntry, type EngineParts } from './apply-entry.js';
import { compileRules, takeDepths, type CompiledRules } from './compiled-rules.js';
import { decodeState } from './decode-state.js';
import { encodeState } from './encode-state.js';
import type { Engine, EngineOptions, Explanation, Flip, Interest } from './engine.js';
import { SegmentEvaluator } from './evaluate-segments.js';
import { explainSegment } from './explain-segment.js';
import { mergeStates } from './merge-states.js';
import { EntryFold } from './fold-entry.js';
import { passTime } from './pass-time.js';
import { ProfileState } from './profile-state.js';
import type { RuleEntry } from './rule-entry.js';

export class RuleEngine implements Engine, EngineParts {
  readonly rules;
  readonly evaluator;
  readonly folding;
  readonly initial: readonly number[];
  readonly randomSegments: readonly number[];

  /** `depthsOf`: rules with the same features, whose depths these are kept at. */
  constructor(options: EngineOptions, depthsOf?: CompiledRules) {
    this.rules = compileRules(options);
    if (depthsOf) takeDepths(this.rules, depthsOf);
    this.evaluator = new SegmentEvaluator(this.rules);
    this.folding = new EntryFold(this.rules);
    const all = this.rules.segments;
    this.randomSegments = all.filter((segment) => segment.random).map((segment) => segment.index);
    this.initial = this.initialMembers();
  }

  get segmentKeys(): readonly string[] {
    return this.rules.segments.map((segment) => segment.key);
  }

  newState(profileId: string): ProfileState {
    const state = new ProfileState(profileId);
    state.days = this.rules.workspaceDays;
    return state;
  }

  apply(state: ProfileState, entry: RuleEntry): readonly Flip[] {
    const earlier = state.dueMs < entry.appendedAtMs ? this.advance(state, entry.appendedAtMs) : [];
    // An entry never goes back behind what has fired already.
    const flips = applyEntry(this, state, entry, Math.max(entry.appendedAtMs, state.firedBeforeMs - 1));
    return earlier.length === 0 ? flips : [...earlier, ...flips];
  }

  advance(state: ProfileState, beforeMs: number): readonly Flip[] {
    return passTime(this.rules, this.evaluator, state, beforeMs);
  }

  dueMs(state: ProfileState): number {
    return state.dueMs;
  }

  members(state: ProfileState): ReadonlyMap<string, number> {
    const members = new Map<string, number>();
    for (const [index, since] of state.members) members.set(this.rules.segments[index]!.key, since);
    return members;
  }

  isMember(state: ProfileState, key: string): boolean {
    const segment = this.rules.segmentByKey.get(key);
    return segment !== undefined && state.members.has(segment.index);
  }

  explain(state: ProfileState, key: string, atMs: number): Explanation | undefined {
    const segment = this.rules.segmentByKey.get(key);
    return segment && explainSegment(this, state, segment, atMs);
  }

  merge(survivor: ProfileState, loser: ProfileState, atMs: number): readonly Flip[] {
    const earlier = this.advance(survivor, atMs);
    return [...earlier, ...mergeStates(this, survivor, loser, atMs)];
  }

  encode(state: ProfileState): Buffer {
    return encodeState(this.rules, state);
  }

  decode(bytes: Uint8Array, profileId: string): ProfileState {
    return decodeState(this.rules, bytes, profileId);
  }

  interest(type: string, name: string): Interest {
    if (type === 'identify') return this.rules.traits.size > 0 ? 'body' : 'none';
    if (type === 'track' && name === 'Consent Updated') return 'body';
    const route = this.rules.routes.get(name);
    if (!route) return 'none';
    return route.needsBody ? 'body' : 'header';
  }

  private initialMembers(): readonly number[] {
    const nobody = this.newState('');
    const fixed = this.rules.segments.filter((segment) => !segment.random).map((segment) => segment.index);
    this.evaluator.update(nobody, 0, { flipped: [], also: fixed, newborn: true }, { by: 'event' });
    return [...nobody.members.keys()];
  }
}
