import type { Json } from '@tributary/contracts/rule';
import { orderTexts } from './compare-values.js';
import type { CompiledRules } from './compiled-rules.js';
import type { StepFeature } from './feature-registry.js';
import { foldElement, foldStep } from './fold-event.js';
import { hashText } from './hash-text.js';
import { localDays } from './local-days.js';
import { parseInstant } from './parse-instant.js';
import type { Decision, ProfileState } from './profile-state.js';
import { readPath, splitPath } from './read-path.js';
import type { EventBody, EventEntry, KnownAfter, RuleEntry } from './rule-entry.js';
import { GaugeSource, type Source } from './source.js';

const NO_BODY: EventBody = {};

/**
 * Finds what an entry touches, then folds it in. One serves one engine and is used for one entry after the other: what
 * `find` found is valid until it is called again.
 */
export class EntryFold {
  /** What the entry touches, each once. */
  readonly sources: Source[] = [];
  private readonly targets: (GaugeSource | StepFeature)[] = [];
  /** Changes other than events being counted. */
  private readonly changes: (() => void)[] = [];
  private readonly foundIn: Uint32Array;
  private round = 0;
  private event: EventEntry | undefined;
  private body = NO_BODY;
  private timeMs = 0;
  private nowMs = 0;
  private state!: ProfileState;

  constructor(private readonly rules: CompiledRules) {
    this.foundIn = new Uint32Array(rules.sources.length);
  }

  /** Is there anything to fold? Nothing is changed yet. `nowMs` is the instant at which the entry is applied. */
  find(state: ProfileState, entry: RuleEntry, nowMs: number): boolean {
    this.round = (this.round + 1) >>> 0;
    if (this.round === 0) {
      this.foundIn.fill(0);
      this.round = 1;
    }
    this.sources.length = 0;
    this.targets.length = 0;
    this.changes.length = 0;
    this.state = state;
    this.nowMs = nowMs;
    this.event = undefined;
    switch (entry.kind) {
      case 'event': this.findEvent(entry); break;
      case 'score': this.findKnown(entry); break;
      case 'computed': this.findKnown({ computed: { [entry.key]: entry.value } }); break;
      case 'cluster': this.findKnown({ clusters: { [entry.model]: entry.label } }); break;
      case 'list': this.findList(entry); break;
      case 'consent': this.findConsent(entry); break;
      case 'birth': break;
    }
    return this.targets.length > 0 || this.changes.length > 0;
  }

  /** Folds in what `find` found. */
  fold(): void {
    for (const change of this.changes) change();
    const { event, body, timeMs, nowMs, state } = this;
    if (event === undefined || this.targets.length === 0) return;
    const folded = { timeMs, messageId: event.messageId, id: hashText(event.messageId), body };
    for (const target of this.targets) {
      if (target instanceof GaugeSource) foldElement(target, state, folded, nowMs);
      else foldStep(target, state, folded, nowMs);
    }
  }

  private add(source: Source | undefined): void {
    if (source === undefined || this.foundIn[source.index] === this.round) return;
    this.foundIn[source.index] = this.round;
    this.sources.push(source);
  }

  private findEvent(entry: EventEntry): void {
    if (entry.scores !== undefined || entry.computed !== undefined || entry.clusters !== undefined) this.findKnown(entry);
    const timeMs = Math.min(entry.timestampMs, entry.appendedAtMs);
    if (entry.type === 'identify') {
      if (this.rules.traits.size > 0) this.findTraits(entry.readBody().traits, timeMs, entry.messageId);
      return;
    }
    const route = this.rules.routes.get(entry.name);
    const isConsent = entry.name === 'Consent Updated' && entry.type === 'track';
    if (!route && !isConsent) return;
    this.event = entry;
    this.timeMs = timeMs;
    this.body = isConsent || route!.needsBody ? entry.readBody() : NO_BODY;
    if (isConsent) {
      const decision = readDecision(this.body, timeMs);
      if (decision) this.findConsent(decision);
    }
    if (!route) return;
    route.match(timeMs, this.body, this.targets);
    for (const target of this.targets) {
      if (target instanceof GaugeSource) this.add(target);
      else for (const sequence of target.sequences) this.add(sequence);
    }
  }

  private findTraits(traits: Json | undefined, timeMs: number, messageId: string): void {
    const { rules, state } = this;
    if (typeof traits !== 'object' || traits === null || Array.isArray(traits)) return;
    for (const [root, whole] of Object.entries(traits)) {
      const paths = rules.traits.get(root);
      if (!paths) continue;
      const known = state.traits.get(root);
      if (known && (known.timeMs - timeMs || orderTexts(known.messageId, messageId)) >= 0) continue;
      const values = new Map<string, Json>();
      for (const path of paths) {
        const value = readPath(whole, splitPath(path).slice(1));
        if (value !== undefined) values.set(path, value);
      }
      rules.traitSources.get(root)?.forEach((source) => this.add(source));
      this.changes.push(() => state.traits.set(root, { timeMs, messageId, values }));
      if (root !== 'timezone') continue;
      for (const source of rules.calendarSources) this.add(source);
      this.changes.push(() => moveCalendar(rules, state));
    }
  }

  private findKnown(known: KnownAfter): void {
    const { state } = this;
    for (const key in known.scores) {
      const value = known.scores[key] ?? null;
      if (value === (state.scores.get(key) ?? null)) continue;
      this.add(this.rules.sourceByKey.get(`score ${key}`));
      this.changes.push(() => put(state.scores, key, value));
    }
    for (const key in known.computed) {
      const value = known.computed[key] ?? null;
      this.add(this.rules.sourceByKey.get(`computed ${key}`));
      this.changes.push(() => put(state.computed, key, value));
    }
    for (const model in known.clusters) {
      const label = known.clusters[model] ?? null;
      if (label === (state.clusters.get(model) ?? null)) continue;
      this.add(this.rules.sourceByKey.get(`cluster ${model}`));
      this.changes.push(() => put(state.clusters, model, label));
    }
  }

  private findList(entry: { readonly list: string; readonly member: boolean }): void {
    const { state } = this;
    this.add(this.rules.sourceByKey.get(`list ${entry.list}`));
    this.changes.push(() => {
      if (entry.member) state.lists.add(entry.list);
      else state.lists.delete(entry.list);
    });
  }

  private findConsent(made: { readonly purpose: string } & Decision): void {
    const { state } = this;
    this.add(this.rules.sourceByKey.get(`consent ${made.purpose}`));
    this.changes.push(() => {
      const known = state.consents.get(made.purpose);
      if (known && !overrules(made, known)) return;
      state.consents.set(made.purpose, { decision: made.decision, occurredAtMs: made.occurredAtMs });
    });
  }
}

/** The person's time zone, where it is a valid one, else the workspace's (rule 10). */
export function moveCalendar(rules: CompiledRules, state: ProfileState): void {
  const zone = state.traits.get('timezone')?.values.get('timezone');
  const days = (typeof zone === 'string' ? localDays(zone) : undefined) ?? rules.workspaceDays;
  if (days === state.days) return;
  state.days = days;
  for (const source of rules.calendarSources) state.sequenceSpans.delete(source.index);
}

/** The later decision stands; of two at one instant the more restrictive (rule 27). */
export function overrules(made: Decision, known: Decision): boolean {
  return made.occurredAtMs > known.occurredAtMs || (made.occurredAtMs === known.occurredAtMs && made.decision === 'withdrawn');
}

function readDecision(body: EventBody, timeMs: number): ({ readonly purpose: string } & Decision) | undefined {
  const purpose = readPath(body.properties, ['purpose']);
  const decision = readPath(body.properties, ['decision']);
  if (typeof purpose !== 'string' || (decision !== 'granted' && decision !== 'withdrawn')) return undefined;
  return { purpose, decision, occurredAtMs: parseInstant(readPath(body.properties, ['occurredAt'])) ?? timeMs };
}

function put<T>(map: Map<string, T>, key: string, value: T | null): void {
  if (value === null) map.delete(key);
  else map.set(key, value);
}
