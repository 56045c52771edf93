import type { Json } from '@tributary/contracts/rule';
import { orderTexts, valueKey } from './compare-values.js';
import type { CompiledRules } from './compiled-rules.js';
import { EventSeries, KEPT_MAX } from './event-series.js';
import { toMicros, type Whole } from './exact-decimal.js';
import type { StepFeature } from './feature-registry.js';
import { foldTiles } from './fold-tiles.js';
import { hashText } from './hash-text.js';
import { localDays } from './local-days.js';
import { parseInstant } from './parse-instant.js';
import type { Decision, ProfileState } from './profile-state.js';
import { readPath, splitPath } from './read-path.js';
import type { EventBody, EventEntry, KnownAfter, RuleEntry } from './rule-entry.js';
import { GaugeSource, type Source } from './source.js';
import { StepSeries } from './step-series.js';

/** What an entry will change: which sources to mark before, and the changes themselves. */
export interface Touched {
  readonly sources: Set<Source>;
  readonly folds: (() => void)[];
}

const NO_BODY: EventBody = {};

/** Finds what an entry touches, changing nothing yet. `nowMs` is the instant at which it is applied. */
export function touch(rules: CompiledRules, state: ProfileState, entry: RuleEntry, nowMs: number): Touched {
  const touched: Touched = { sources: new Set(), folds: [] };
  switch (entry.kind) {
    case 'event': touchEvent(rules, state, entry, { touched, nowMs }); break;
    case 'score': touchKnown(rules, state, entry, touched); break;
    case 'computed': touchKnown(rules, state, { computed: { [entry.key]: entry.value } }, touched); break;
    case 'cluster': touchKnown(rules, state, { clusters: { [entry.model]: entry.label } }, touched); break;
    case 'list': touchList(rules, state, entry, touched); break;
    case 'consent': touchConsent(rules, state, { purpose: entry.purpose, decision: entry.decision, occurredAtMs: entry.occurredAtMs }, touched); break;
    case 'birth': break;
  }
  return touched;
}

function touchEvent(rules: CompiledRules, state: ProfileState, entry: EventEntry, at: { readonly touched: Touched; readonly nowMs: number }): void {
  const { touched } = at;
  touchKnown(rules, state, entry, touched);
  const timeMs = Math.min(entry.timestampMs, entry.appendedAtMs);
  if (entry.type === 'identify') {
    touchTraits(rules, state, { timeMs, messageId: entry.messageId, traits: entry.readBody().traits }, touched);
    return;
  }
  const route = rules.routes.get(entry.name);
  const isConsent = entry.type === 'track' && entry.name === 'Consent Updated';
  if (!route && !isConsent) return;
  const body = isConsent || route!.needsBody ? entry.readBody() : NO_BODY;
  if (isConsent) {
    const decision = readDecision(body, timeMs);
    if (decision) touchConsent(rules, state, decision, touched);
  }
  route?.match(timeMs, body, (target) => {
    if (target instanceof GaugeSource) {
      touched.sources.add(target);
      touched.folds.push(() => foldElement(target, state, { timeMs, messageId: entry.messageId, body }, at.nowMs));
    } else {
      for (const sequence of target.sequences) touched.sources.add(sequence);
      touched.folds.push(() => foldStep(target, state, { timeMs, messageId: entry.messageId, body }, at.nowMs));
    }
  });
}

interface FoldedEvent {
  readonly timeMs: number;
  readonly messageId: string;
  readonly body: EventBody;
}

function foldElement(source: GaugeSource, state: ProfileState, event: FoldedEvent, nowMs: number): void {
  const { kind, read } = source.element!;
  let [id, value]: [number, Whole] = [0, 0];
  if (kind === 'time') id = hashText(event.messageId);
  else {
    const found = read!(event.body);
    if (kind === 'number') {
      if (typeof found !== 'number') return;
      [id, value] = [hashText(event.messageId), toMicros(found)];
    } else {
      if (found === undefined || typeof found === 'object') return;
      const valueId = hashText(valueKey(found));
      [id, value] = kind === 'distinct' ? [valueId, 0] : [hashText(event.messageId), valueId];
    }
  }
  let series = state.series.get(source.index);
  if (!series) state.series.set(source.index, (series = new EventSeries()));
  // What leaves at this very instant still counts until the instant's events have all been applied (rule 6).
  series.insert({ time: event.timeMs, id, value }, source.depth, nowMs - 1);
  if (series.times.length > KEPT_MAX) foldTiles(series, source.depth);
}

function foldStep(feature: StepFeature, state: ProfileState, event: FoldedEvent, nowMs: number): void {
  let steps = state.steps.get(feature.index);
  if (!steps) state.steps.set(feature.index, (steps = new StepSeries()));
  const captured = feature.captures.map((read) => read(event.body));
  if (!steps.insert({ time: event.timeMs, messageId: event.messageId, captured }, feature.reachMs, nowMs - 1)) return;
  for (const sequence of feature.sequences) state.sequenceSpans.delete(sequence.index);
}

function touchTraits(rules: CompiledRules, state: ProfileState, event: { readonly timeMs: number; readonly messageId: string; readonly traits: Json | undefined }, touched: Touched): void {
  const { timeMs, messageId, traits } = event;
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
    rules.traitSources.get(root)?.forEach((source) => touched.sources.add(source));
    touched.folds.push(() => state.traits.set(root, { timeMs, messageId, values }));
    if (root !== 'timezone') continue;
    for (const source of rules.calendarSources) touched.sources.add(source);
    touched.folds.push(() => moveCalendar(rules, state));
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

function touchKnown(rules: CompiledRules, state: ProfileState, known: KnownAfter, touched: Touched): void {
  for (const key in known.scores) {
    const value = known.scores[key] ?? null;
    if (value === (state.scores.get(key) ?? null)) continue;
    touchSource(rules, `score ${key}`, touched);
    touched.folds.push(() => put(state.scores, key, value));
  }
  for (const key in known.computed) {
    const value = known.computed[key] ?? null;
    touchSource(rules, `computed ${key}`, touched);
    touched.folds.push(() => put(state.computed, key, value));
  }
  for (const model in known.clusters) {
    const label = known.clusters[model] ?? null;
    if (label === (state.clusters.get(model) ?? null)) continue;
    touchSource(rules, `cluster ${model}`, touched);
    touched.folds.push(() => put(state.clusters, model, label));
  }
}

function touchList(rules: CompiledRules, state: ProfileState, entry: { readonly list: string; readonly member: boolean }, touched: Touched): void {
  touchSource(rules, `list ${entry.list}`, touched);
  touched.folds.push(() => {
    if (entry.member) state.lists.add(entry.list);
    else state.lists.delete(entry.list);
  });
}

function readDecision(body: EventBody, timeMs: number): ({ readonly purpose: string } & Decision) | undefined {
  const purpose = readPath(body.properties, ['purpose']);
  const decision = readPath(body.properties, ['decision']);
  if (typeof purpose !== 'string' || (decision !== 'granted' && decision !== 'withdrawn')) return undefined;
  return { purpose, decision, occurredAtMs: parseInstant(readPath(body.properties, ['occurredAt'])) ?? timeMs };
}

function touchConsent(rules: CompiledRules, state: ProfileState, made: { readonly purpose: string } & Decision, touched: Touched): void {
  touchSource(rules, `consent ${made.purpose}`, touched);
  touched.folds.push(() => {
    const known = state.consents.get(made.purpose);
    if (known && !overrules(made, known)) return;
    state.consents.set(made.purpose, { decision: made.decision, occurredAtMs: made.occurredAtMs });
  });
}

/** The later decision stands; of two at one instant the more restrictive (rule 27). */
export function overrules(made: Decision, known: Decision): boolean {
  return made.occurredAtMs > known.occurredAtMs || (made.occurredAtMs === known.occurredAtMs && made.decision === 'withdrawn');
}

function touchSource(rules: CompiledRules, key: string, touched: Touched): void {
  const source = rules.sourceByKey.get(key);
  if (source) touched.sources.add(source);
}

function put<T>(map: Map<string, T>, key: string, value: T | null): void {
  if (value === null) map.delete(key);
  else map.set(key, value);
}
