import { ByteWriter } from './byte-writer.js';
import type { CompiledRules } from './compiled-rules.js';
import type { EventSeries } from './event-series.js';
import type { Whole } from './exact-decimal.js';
import { hashText } from './hash-text.js';
import type { ProfileState } from './profile-state.js';
import { GaugeSource } from './source.js';
import type { StepSeries } from './step-series.js';
import { storedIdentities } from './stored-identities.js';

export const STATE_FORMAT = 1;

/** Bits of a series' first byte. */
export const SERIES = { evicted: 1, capped: 2, tiled: 4, valued: 8, texts: 16, due: 32 } as const;

/** A state as bytes; what nobody will ask for again is left out. The reader is `decodeState`. */
export function encodeState(rules: CompiledRules, state: ProfileState): Buffer {
  const writer = new ByteWriter();
  const identities = storedIdentities(rules);
  writer.byte(STATE_FORMAT);
  writer.identity(rules.fingerprint);
  writer.signed(state.bornMs);
  writer.identity(state.bornId);
  writer.byte(state.firedBeforeMs === -Infinity ? 0 : 1);
  if (state.firedBeforeMs !== -Infinity) writer.signed(state.firedBeforeMs - state.bornMs);
  for (const [feature, steps] of state.steps) steps.prune(rules.stepFeatures[feature]!.reachMs, state.firedBeforeMs - 1);
  const messageIds = writeMessageIds(writer, state);
  writeTraits(writer, state, messageIds);
  writeKnown(writer, state);
  const kept = [...state.series].filter(([source, series]) => {
    series.prune((rules.sources[source] as GaugeSource).depth, state.firedBeforeMs - 1);
    return series.times.length > 0;
  });
  writer.whole(kept.length);
  for (const [source, series] of kept) {
    const dueMs = state.dueOf(source);
    writer.identity(identities.ofSource[source]!);
    writeSeries(writer, series, { bornMs: state.bornMs, dueMs: dueMs === Infinity ? undefined : dueMs });
  }
  writeSteps(writer, rules, state, messageIds);
  const rest = state.dueSources.filter((source) => !state.series.has(source));
  writer.whole(rest.length);
  for (const source of rest) {
    writer.identity(identities.ofSource[source]!);
    writer.signed(state.dueOf(source) - state.bornMs);
  }
  writeMembers(writer, rules, state);
  return writer.finish();
}

/** Message ids decide ties of traits and order the events of sequences, so they are kept whole, each once. */
function writeMessageIds(writer: ByteWriter, state: ProfileState): ReadonlyMap<string, number> {
  const ids = new Map<string, number>();
  const add = (id: string): void => {
    if (!ids.has(id)) ids.set(id, ids.size);
  };
  for (const cell of state.traits.values()) add(cell.messageId);
  for (const steps of state.steps.values()) for (const event of steps.events) add(event.messageId);
  writer.whole(ids.size);
  for (const id of ids.keys()) writer.messageId(id);
  return ids;
}

function writeTraits(writer: ByteWriter, state: ProfileState, messageIds: ReadonlyMap<string, number>): void {
  writer.whole(state.traits.size);
  for (const [root, cell] of state.traits) {
    writer.identity(hashText(root));
    writer.signed(cell.timeMs - state.bornMs);
    writer.whole(messageIds.get(cell.messageId)!);
    writer.whole(cell.values.size);
    for (const [path, value] of cell.values) {
      writer.byte(path === root ? 0 : 1);
      if (path !== root) writer.identity(hashText(path));
      writer.text(JSON.stringify(value));
    }
  }
}

function writeKnown(writer: ByteWriter, state: ProfileState): void {
  writer.whole(state.scores.size);
  for (const [key, micros] of state.scores) {
    writer.text(key);
    writer.signed(micros);
  }
  writer.whole(state.computed.size);
  for (const [key, value] of state.computed) {
    writer.text(key);
    writer.text(JSON.stringify(value));
  }
  writer.whole(state.clusters.size);
  for (const [model, label] of state.clusters) {
    writer.text(model);
    writer.text(label);
  }
  writer.whole(state.lists.size);
  for (const list of state.lists) writer.text(list);
  writer.whole(state.consents.size);
  for (const [purpose, made] of state.consents) {
    writer.text(purpose);
    writer.byte(made.decision === 'granted' ? 1 : 0);
    writer.text(String(made.occurredAtMs));
  }
}

function writeSeries(writer: ByteWriter, series: EventSeries, at: { readonly bornMs: number; readonly dueMs: number | undefined }): void {
  const { times, ids, values, tiles } = series;
  const numbers = [values, tiles.map((tile) => tile.low), tiles.map((tile) => tile.high)].flat();
  const texts = numbers.some((value) => typeof value !== 'number');
  const bits = (series.evicted ? SERIES.evicted : 0) | (series.capped ? SERIES.capped : 0) | (tiles.length > 0 ? SERIES.tiled : 0)
    | (values.length > 0 ? SERIES.valued : 0) | (texts ? SERIES.texts : 0) | (at.dueMs === undefined ? 0 : SERIES.due);
  writer.byte(bits);
  if (at.dueMs !== undefined) writer.signed(at.dueMs - at.bornMs);
  writer.whole(times.length);
  writer.signed(times[0]! - at.bornMs);
  for (let i = 1; i < times.length; i += 1) writer.whole(times[i]! - times[i - 1]!);
  if (tiles.length > 0) {
    writer.whole(tiles.length);
    writer.whole(series.tileWidthMs);
    for (const tile of tiles) {
      writer.whole(tile.count);
      writeValue(writer, tile.low, texts);
      writeValue(writer, tile.high, texts);
    }
  }
  for (let i = tiles.length; i < ids.length; i += 1) writer.identity(ids[i]!);
  for (const value of values) writeValue(writer, value, texts);
}

function writeValue(writer: ByteWriter, value: Whole, asText: boolean): void {
  if (asText) writer.text(String(value));
  else writer.signed(Number(value));
}

function writeSteps(writer: ByteWriter, rules: CompiledRules, state: ProfileState, messageIds: ReadonlyMap<string, number>): void {
  const kept: [number, StepSeries][] = [...state.steps].filter(([, steps]) => steps.events.length > 0);
  const identities = storedIdentities(rules);
  writer.whole(kept.length);
  for (const [feature, steps] of kept) {
    writer.identity(identities.ofStep[feature]!);
    writer.byte(steps.capped ? 1 : 0);
    writer.whole(steps.events.length);
    writer.whole(rules.stepFeatures[feature]!.captures.length);
    let last = state.bornMs;
    for (const event of steps.events) {
      writer.signed(event.time - last);
      last = event.time;
      writer.whole(messageIds.get(event.messageId)!);
      for (const value of event.captured) writer.text(value === undefined ? '' : JSON.stringify(value));
    }
  }
}

function writeMembers(writer: ByteWriter, rules: CompiledRules, state: ProfileState): void {
  const bySince = new Map<number, number[]>();
  for (const [segment, since] of state.members) {
    const id = rules.segments[segment]!.id;
    const there = bySince.get(since);
    if (there) there.push(id);
    else bySince.set(since, [id]);
  }
  writer.whole(bySince.size);
  for (const [since, ids] of bySince) {
    writer.signed(since - state.bornMs);
    writer.whole(ids.length);
    for (const id of ids) writer.identity(id);
  }
}
