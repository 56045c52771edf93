// What must hold at the end of every story.
import { profilesScored } from '@tributary/contracts/topics/profiles-scored';
import { segmentsChanged } from '@tributary/contracts/topics/segments-changed';
import { decodeFrame } from '@tributary/stream/frame';
import type { LogRecord } from '@tributary/stream/stage';
import type { Tally } from '../test-stages.js';
import { expectedSteps, HOLD_MS, type Inlet } from './expected-story.js';
import type { SimulatedBroker } from './simulated-log.js';
import type { SimulatedTables } from './simulated-tables.js';

const FOLDS = ['scoring', 'segmentation'] as const;

/** True when every fold stands where the log says. */
export function isSettled(tables: SimulatedTables, inlet: Inlet): boolean {
  return FOLDS.every((fold) => [...expectedSteps(inlet, HOLD_MS[fold])].every(([id, steps]) => stepsOf(tables, fold, id).length === steps.length));
}

/** Each entry once and in order, each timer at its instant and never before an entry that was known by then. */
export function checkTallies(tables: SimulatedTables, inlet: Inlet): string[] {
  return FOLDS.flatMap((fold) => [...expectedSteps(inlet, HOLD_MS[fold])].flatMap(([id, expected]) => {
    const steps = stepsOf(tables, fold, id);
    const at = expected.findIndex((step, index) => steps[index] !== step);
    if (at < 0 && steps.length === expected.length) return [];
    return [`${fold} ${id}: ${steps.length} steps instead of ${expected.length}, the first difference at ${at}: ${steps.slice(at, at + 3).join(' ')} instead of ${expected.slice(at, at + 3).join(' ')}`];
  }));
}

function stepsOf(tables: SimulatedTables, fold: string, id: string): readonly string[] {
  const tally = tables.tallies.get(`${fold} ${id}`);
  return tally === undefined ? [] : (JSON.parse(tally) as Tally).steps;
}

/** What was sent is complete and in order once repeats are left out, and repeats are what they repeat. */
export function checkOutput(broker: SimulatedBroker, inlet: Inlet): string[] {
  return [...checkAnnouncements(broker, inlet), ...checkFrames(broker)];
}

function checkAnnouncements(broker: SimulatedBroker, inlet: Inlet): string[] {
  const records = broker.topics.get(segmentsChanged.name)?.flat() ?? [];
  const sent = Map.groupBy(records, ({ key }) => (key as Buffer).toString());
  return [...expectedSteps(inlet, HOLD_MS.segmentation)].flatMap(([id, expected]) => {
    const distinct = [...new Set((sent.get(id) ?? []).map(({ value }) => (value as Buffer).toString()))];
    const wanted = expected.map((step, index) => `${index} ${step}`);
    const at = wanted.findIndex((announcement, index) => distinct[index] !== announcement);
    return at < 0 && distinct.length === wanted.length ? [] : [`announced of ${id}: ${distinct.length} instead of ${wanted.length}, the first difference at ${at}: ${distinct[at]} instead of ${wanted[at]}`];
  });
}

/** Frames of the first fold: numbered without a gap, the same number always the same entry. */
function checkFrames(broker: SimulatedBroker): string[] {
  return (broker.topics.get(profilesScored.name) ?? []).flatMap((records: readonly LogRecord[], partition) => {
    const byOffset = new Map<number, string>();
    const wrong: string[] = [];
    for (const { offset, messageId } of records.flatMap(({ value }) => decodeFrame(value as Buffer).entries)) {
      const known = byOffset.get(offset);
      if (known === undefined && offset !== byOffset.size + 1) wrong.push(`${profilesScored.name}/${partition}: number ${offset} comes after ${byOffset.size}`);
      if (known !== undefined && known !== messageId) wrong.push(`${profilesScored.name}/${partition}: number ${offset} is ${known} and ${messageId}`);
      byOffset.set(offset, messageId);
    }
    return wrong.slice(0, 3);
  });
}
