import { indexKey } from './compare-values.js';
import { EventSeries, KEPT_MAX } from './event-series.js';
import { toMicros, type Whole } from './exact-decimal.js';
import type { StepFeature } from './feature-registry.js';
import { foldTiles } from './fold-tiles.js';
import { hashText } from './hash-text.js';
import type { ProfileState } from './profile-state.js';
import type { EventBody } from './rule-entry.js';
import type { GaugeSource } from './source.js';
import { StepSeries } from './step-series.js';

export interface FoldedEvent {
  readonly timeMs: number;
  readonly messageId: string;
  /** `hashText` of the message id. */
  readonly id: number;
  readonly body: EventBody;
}

/** Counts an event that passed the feature's filters. */
export function foldElement(source: GaugeSource, state: ProfileState, event: FoldedEvent, nowMs: number): void {
  const element = readElement(source, event);
  if (!element) return;
  let series = state.series.get(source.index);
  if (!series) state.series.set(source.index, (series = new EventSeries()));
  // What leaves at this very instant still counts until the instant's events have all been applied (rule 6).
  series.insert(element, source.depth, nowMs - 1);
  if (series.times.length > KEPT_MAX) foldTiles(series, source.depth);
}

function readElement(source: GaugeSource, event: FoldedEvent): { readonly time: number; readonly id: number; readonly value: Whole } | undefined {
  const { kind, read } = source.element!;
  const time = event.timeMs;
  if (kind === 'time') return { time, id: event.id, value: 0 };
  const found = read!(event.body);
  if (kind === 'number') return typeof found === 'number' ? { time, id: event.id, value: toMicros(found) } : undefined;
  // Scalars are told apart by type and value; lists and objects are not counted (rule 20).
  if (found === undefined || typeof found === 'object') return undefined;
  const valueId = hashText(indexKey(found));
  return kind === 'distinct' ? { time, id: valueId, value: 0 } : { time, id: event.id, value: valueId };
}

/** Keeps an event that fits a step by itself, for the sequences that have the step. */
export function foldStep(feature: StepFeature, state: ProfileState, event: FoldedEvent, nowMs: number): void {
  let steps = state.steps.get(feature.index);
  if (!steps) state.steps.set(feature.index, (steps = new StepSeries()));
  const step = { time: event.timeMs, messageId: event.messageId, captured: feature.captures.map((read) => read(event.body)) };
  if (!steps.insert(step, feature.reachMs, nowMs - 1)) return;
  for (const sequence of feature.sequences) sequence.learn(state, feature.index, step, nowMs - 1);
}
