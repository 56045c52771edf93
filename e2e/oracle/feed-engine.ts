// Feeds a profile's log to the engine, as segmentation does, and holds the engine to its own promises on the way.
import { RE2JS } from 're2js';
import { addMail, addPageView, type EngagementState, newEngagement, nextChangeMs, scoreAt, unite } from '@tributary/domain/scoring/engagement';
import { readFacts } from '@tributary/domain/scoring/read-facts';
import { standardEngagement } from '@tributary/domain/scoring/score-model';
import type { CompilePattern, Engine, Flip } from '@tributary/domain/segmentation/engine';
import type { ProfileState } from '@tributary/domain/segmentation/profile-state';
import type { EventBody, RuleEntry } from '@tributary/domain/segmentation/rule-entry';
import { lowerCasePattern } from '@tributary/domain/segmentation/sql/lower-case-pattern';
import type { RandomProfile, Switch } from './random-history.ts';
import type { HistoryEvent } from './sql-history.ts';

/** What makes no difference to the answers. */
export interface FeedStyle {
  /** Every entry is applied twice. */
  readonly repeats: boolean;
  /** The state is written and read back before every entry. */
  readonly stores: boolean;
  /** Time is advanced on a raster, too, not only by entries. */
  readonly ticksMs?: number;
}

/** Rule 14: with `ignoreCase` both sides are lower-cased. */
export const compilePattern: CompilePattern = (pattern, { ignoreCase }) => {
  const compiled = RE2JS.compile(ignoreCase ? lowerCasePattern(pattern) : pattern);
  return (text) => compiled.matcher(ignoreCase ? text.toLowerCase() : text).find();
};

type Told = { readonly atMs: number } & ({ readonly event: HistoryEvent } | { readonly one: Switch });

/** One profile while it is fed. */
export class FedProfile {
  state: ProfileState;
  readonly flips: Flip[] = [];
  private readonly engagement: EngagementState = newEngagement();
  private readonly engine: Engine;
  private readonly style: FeedStyle;
  private readonly profileId: string;
  private queue: readonly Told[];
  private nowMs: number;

  constructor(engine: Engine, profile: RandomProfile, style: FeedStyle) {
    this.engine = engine;
    this.style = style;
    this.profileId = profile.profileId;
    this.state = engine.newState(profile.profileId);
    this.nowMs = profile.knownFromMs;
    this.queue = inOrder([...profile.events.map((event) => ({ atMs: event.appendedAtMs, event })), ...profile.switches.map((one) => ({ atMs: one.atMs, one }))]);
    // A profile that is known without an event has a score all the same.
    if (!profile.events.some(({ appendedAtMs }) => appendedAtMs === this.nowMs)) this.tell(this.scoreEntry(this.nowMs));
  }

  /** Applies everything up to and including `atMs`, and all that time does before it (exclusive). */
  feedUpTo(atMs: number): void {
    const due = this.queue.filter((told) => told.atMs <= atMs);
    this.queue = this.queue.slice(due.length);
    for (const told of due) {
      this.fall(told.atMs);
      this.tell('event' in told ? this.eventEntry(told.event) : switchEntry(told.one));
      this.nowMs = told.atMs;
    }
    this.fall(atMs);
    this.pass(atMs);
    this.nowMs = Math.max(this.nowMs, atMs);
  }

  /** Takes in another profile that was fed up to the same instant, what is still to come of it, and tells the score of the two. */
  merge(loser: FedProfile, atMs: number): void {
    unite(this.engagement, loser.engagement, standardEngagement);
    this.queue = inOrder([...this.queue, ...loser.queue]);
    this.flips.push(...this.engine.merge(this.state, loser.state, atMs));
    this.tell(this.scoreEntry(atMs));
  }

  private tell(entry: RuleEntry): void {
    this.pass(entry.appendedAtMs);
    if (this.style.stores) this.state = this.engine.decode(this.engine.encode(this.state), this.profileId);
    this.flips.push(...this.engine.apply(this.state, entry));
    if (!this.style.repeats) return;
    const again = this.engine.apply(this.state, entry);
    if (again.length > 0) throw new Error(`An entry told twice flips ${JSON.stringify(again)}.`);
  }

  private pass(beforeMs: number): void {
    const dueMs = this.engine.dueMs(this.state);
    if (this.style.ticksMs) for (let at = this.nowMs; at < beforeMs; at += this.style.ticksMs) this.flips.push(...this.engine.advance(this.state, at));
    const passed = this.engine.advance(this.state, beforeMs);
    const early = passed.find(({ atMs }) => atMs < dueMs);
    if (early) throw new Error(`${JSON.stringify(early)} happened before the timer was due at ${dueMs}.`);
    this.flips.push(...passed);
  }

  /** Tells every fall of the score before `beforeMs`. */
  private fall(beforeMs: number): void {
    for (let at = nextChangeMs(this.engagement, this.nowMs, standardEngagement); at !== null && at < beforeMs; at = nextChangeMs(this.engagement, at, standardEngagement)) {
      this.tell(this.scoreEntry(at));
    }
  }

  private scoreEntry(atMs: number): RuleEntry {
    return { kind: 'score', appendedAtMs: atMs, scores: { engagement: scoreAt(this.engagement, atMs, standardEngagement) } };
  }

  /** An event with the score that it leads to, as scoring sends it on. */
  private eventEntry(event: HistoryEvent): RuleEntry {
    const { type, name, messageId, timestampMs, appendedAtMs, body } = event;
    const facts = readFacts({ type, name }, () => body);
    if (facts.kind === 'page-view') addPageView(this.engagement, timestampMs, standardEngagement);
    if (facts.kind === 'mail') addMail(this.engagement, facts.emailId, facts.fact, timestampMs);
    const scores = { engagement: scoreAt(this.engagement, appendedAtMs, standardEngagement) };
    return { kind: 'event', type, name, messageId, timestampMs, appendedAtMs, readBody: () => body as EventBody, scores };
  }
}

function inOrder(queue: readonly Told[]): readonly Told[] {
  return [...queue].sort((a, b) => a.atMs - b.atMs);
}

function switchEntry(one: Switch): RuleEntry {
  if (one.kind === 'list') return { kind: 'list', appendedAtMs: one.atMs, list: one.key, member: one.value };
  if (one.kind === 'cluster') return { kind: 'cluster', appendedAtMs: one.atMs, model: one.key, label: one.value };
  return { kind: 'computed', appendedAtMs: one.atMs, key: one.key, value: one.value };
}
