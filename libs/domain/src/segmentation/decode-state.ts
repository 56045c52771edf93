import type { Json } from '@tributary/contracts/rule';
import { ByteReader } from './byte-reader.js';
import type { CompiledRules } from './compiled-rules.js';
import { SERIES, STATE_FORMAT } from './encode-state.js';
import { EventSeries } from './event-series.js';
import { normalWhole, type Whole } from './exact-decimal.js';
import { moveCalendar } from './fold-entry.js';
import { ProfileState } from './profile-state.js';
import { GaugeSource } from './source.js';
import { StepSeries } from './step-series.js';
import { storedIdentities, type StoredIdentities } from './stored-identities.js';

/** Reads what `encodeState` wrote under any definitions version; what these rules do not use is dropped. */
export function decodeState(rules: CompiledRules, bytes: Uint8Array, profileId: string): ProfileState {
  const reader = new ByteReader(bytes);
  const format = reader.byte();
  if (format !== STATE_FORMAT) throw new Error(`a stored state has format ${format}; this version reads ${STATE_FORMAT}`);
  const identities = storedIdentities(rules);
  const state = new ProfileState(profileId);
  const sameRules = reader.identity() === rules.fingerprint;
  state.bornMs = reader.signed();
  state.bornId = reader.identity();
  if (reader.byte() === 1) state.firedBeforeMs = state.bornMs + reader.signed();
  const messageIds = times(reader.whole(), () => reader.messageId());
  readTraits(reader, state, { identities, messageIds });
  readKnown(reader, state);
  state.days = rules.workspaceDays;
  moveCalendar(rules, state);
  times(reader.whole(), () => readSeries(reader, state, identities));
  times(reader.whole(), () => readSteps(reader, state, { identities, messageIds }));
  times(reader.whole(), () => {
    const source = identities.sources.get(reader.identity());
    const dueMs = state.bornMs + reader.signed();
    if (source) state.setDue(source.index, dueMs);
  });
  times(reader.whole(), () => {
    const since = state.bornMs + reader.signed();
    times(reader.whole(), () => {
      const segment = identities.segments.get(reader.identity());
      if (segment) state.members.set(segment.index, since);
    });
  });
  if (!reader.atEnd) throw new Error('a stored state has bytes too many');
  if (!sameRules) findDues(rules, state);
  return state;
}

/** Other rules may ask for other instants, so those that were stored are not trusted. */
export function findDues(rules: CompiledRules, state: ProfileState): void {
  for (const source of rules.sources) state.setDue(source.index, source.nextChange(state, state.firedBeforeMs - 1));
}

function times<T>(count: number, read: () => T): T[] {
  const all: T[] = [];
  for (let i = 0; i < count; i += 1) all.push(read());
  return all;
}

interface Names {
  readonly identities: StoredIdentities;
  readonly messageIds: readonly string[];
}

function readTraits(reader: ByteReader, state: ProfileState, names: Names): void {
  times(reader.whole(), () => {
    const root = names.identities.traitRoots.get(reader.identity());
    const timeMs = state.bornMs + reader.signed();
    const messageId = names.messageIds[reader.whole()]!;
    const values = new Map<string, Json>();
    times(reader.whole(), () => {
      const path = reader.byte() === 0 ? root : names.identities.traitPaths.get(reader.identity());
      const value = JSON.parse(reader.text()) as Json;
      if (path !== undefined) values.set(path, value);
    });
    if (root !== undefined) state.traits.set(root, { timeMs, messageId, values });
  });
}

function readKnown(reader: ByteReader, state: ProfileState): void {
  times(reader.whole(), () => state.scores.set(reader.text(), reader.signed()));
  times(reader.whole(), () => state.computed.set(reader.text(), JSON.parse(reader.text()) as Json));
  times(reader.whole(), () => state.clusters.set(reader.text(), reader.text()));
  times(reader.whole(), () => state.lists.add(reader.text()));
  times(reader.whole(), () => {
    const purpose = reader.text();
    const decision = reader.byte() === 1 ? 'granted' : 'withdrawn';
    state.consents.set(purpose, { decision, occurredAtMs: Number(reader.text()) });
  });
}

function readSeries(reader: ByteReader, state: ProfileState, identities: StoredIdentities): void {
  const source = identities.sources.get(reader.identity());
  const series = new EventSeries();
  const bits = reader.byte();
  const has = (bit: number): boolean => (bits & bit) !== 0;
  series.evicted = has(SERIES.evicted);
  series.capped = has(SERIES.capped);
  const dueMs = has(SERIES.due) ? state.bornMs + reader.signed() : Infinity;
  const value = (): Whole => (has(SERIES.texts) ? normalWhole(BigInt(reader.text())) : reader.signed());
  const count = reader.whole();
  let time = state.bornMs + reader.signed();
  series.times.push(time);
  for (let i = 1; i < count; i += 1) series.times.push((time += reader.whole()));
  if (has(SERIES.tiled)) {
    const tiles = reader.whole();
    series.tileWidthMs = reader.whole();
    series.tiles = times(tiles, () => ({ count: reader.whole(), low: value(), high: value() }));
  }
  for (let i = 0; i < count; i += 1) series.ids.push(i < series.tiles.length ? -1 : reader.identity());
  if (has(SERIES.valued)) for (let i = 0; i < count; i += 1) series.values.push(value());
  if (!(source instanceof GaugeSource)) return;
  state.series.set(source.index, series);
  state.setDue(source.index, dueMs);
}

function readSteps(reader: ByteReader, state: ProfileState, names: Names): void {
  const feature = names.identities.steps.get(reader.identity());
  const steps = new StepSeries();
  steps.capped = reader.byte() === 1;
  const count = reader.whole();
  const captures = reader.whole();
  let time = state.bornMs;
  for (let i = 0; i < count; i += 1) {
    time += reader.signed();
    const messageId = names.messageIds[reader.whole()]!;
    const captured = times(captures, () => {
      const text = reader.text();
      return text === '' ? undefined : (JSON.parse(text) as Json);
    });
    steps.events.push({ time, messageId, captured });
  }
  if (feature) state.steps.set(feature.index, steps);
}
