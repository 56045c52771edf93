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

/** One profile while it is fed. */
export class FedProfile {
  state: ProfileState;
  readonly flips: Flip[] = [];
  readonly engagement: EngagementState = newEngagement();
  private nowMs: number;
  private readonly queue: readonly { readonly atMs: number; readonly make: () => RuleEntry }[];
  private next = 0;

  private readonly engine: Engine;
  private readonly style: FeedStyle;
  private readonly profileId: string;

  constructor(engine: Engine, profile: RandomProfile, style: FeedStyle) {
    this.engine = engine;
    this.style = style;
    this.profileId = profile.profileId;
    this.state = engine.newState(profile.profileId);
    this.nowMs = profile.knownFromMs;
    this.queue = queueOf(profile, this.engagement);
    // A profile that is known without an event has a score all the same.
    if (!profile.events.some(({ appendedAtMs }) => appendedAtMs === this.nowMs)) this.tell(this.scoreEntry(this.nowMs));
  }

  /** Applies everything up to and including `atMs`, and all that time does before it (exclusive). */
  feedUpTo(atMs: number): void {
    for (; this.next < this.queue.length && this.queue[this.next]!.atMs <= atMs; this.next++) {
      const entry = this.queue[this.next]!;
      this.fall(entry.atMs);
      this.tell(entry.make());
      this.nowMs = entry.atMs;
    }
    this.fall(atMs);
    this.nowMs = Math.max(this.nowMs, atMs);
    this.pass(atMs);
  }

  /** Takes the other profile in, at an instant up to which both were fed, and tells the score of the two. */
  merge(loser: FedProfile, atMs: number): void {
    unite(this.engagement, loser.engagement, standardEngagement);
    this.flips.push(...this.engine.merge(this.state, loser.state, atMs));
    this.tell(this.scoreEntry(atMs));
  }

  private tell(entry: RuleEntry): void {
    this.pass(entry.appendedAtMs);
    if (this.style.stores) this.state = this.engine.decode(this.engine.encode(this.state), this.profileId);
    this.flips.push(...this.engine.apply(this.state, entry));
    if (this.style.repeats) {
      const again = this.engine.apply(this.state, entry);
      if (again.length > 0) throw new Error(`An entry told twice flips ${JSON.stringify(again)}.`);
    }
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
}

function queueOf(profile: RandomProfile, engagement: EngagementState): { readonly atMs: number; readonly make: () => RuleEntry }[] {
  return [
    ...profile.events.map((event) => ({ atMs: event.appendedAtMs, make: (): RuleEntry => eventEntry(engagement, event) })),
    ...profile.switches.map((one) => ({ atMs: one.atMs, make: (): RuleEntry => switchEntry(one) })),
  ].sort((a, b) => a.atMs - b.atMs);
}

/** An event with the score that it leads to, as scoring sends it on. */
function eventEntry(engagement: EngagementState, event: HistoryEvent): RuleEntry {
  const { type, name, messageId, timestampMs, appendedAtMs, body } = event;
  const facts = readFacts({ type, name }, () => body);
  if (facts.kind === 'page-view') addPageView(engagement, timestampMs, standardEngagement);
  if (facts.kind === 'mail') addMail(engagement, facts.emailId, facts.fact, timestampMs);
  return { kind: 'event', type, name, messageId, timestampMs, appendedAtMs, readBody: () => body as EventBody, scores: { engagement: scoreAt(engagement, appendedAtMs, standardEngagement) } };
}

function switchEntry(one: Switch): RuleEntry {
  if (one.kind === 'list') return { kind: 'list', appendedAtMs: one.atMs, list: one.key, member: one.value };
  if (one.kind === 'cluster') return { kind: 'cluster', appendedAtMs: one.atMs, model: one.key, label: one.value };
  return { kind: 'computed', appendedAtMs: one.atMs, key: one.key, value: one.value };
}
