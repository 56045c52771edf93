// The lines of a story: real ones, with stages that write down what they are given.
import { eventsConsented } from '@tributary/contracts/topics/events-consented';
import { profilesScored } from '@tributary/contracts/topics/profiles-scored';
import { segmentsChanged } from '@tributary/contracts/topics/segments-changed';
import type { Pool } from '@tributary/postgres/pool';
import type { Emitter, FoldStage, LogRecord, Stage } from '@tributary/stream/stage';
import { passingStage, receivingStage, type Tally, tallyingStage } from '../test-stages.js';
import { HOLD_MS, nameOf, profileOf } from './expected-story.js';
import type { SimulatedProcess } from './simulated-process.js';
import type { Chance } from './virtual-time.js';

/** The stages of one process, on its pool. */
export type LineShape = (pool: Pool, process: SimulatedProcess) => readonly [Stage, ...Stage[]];

/** Apart or chained, by chance. */
export function lineShapes(chance: Chance): LineShape[] {
  const front: LineShape[] = chance.happens(0.5) ? [() => [naming(), passingStage()]] : [() => [naming()], () => [passingStage()]];
  const back: LineShape[] = chance.happens(0.5) ? [(...life) => [first(...life), second(...life)]] : [(...life) => [first(...life)], (...life) => [second(...life)]];
  return [...front, ...back];
}

function naming(): Stage {
  return receivingStage({ decide: async (records) => ({ endings: records.map((record) => ({ ending: 'forward', entries: [entryOf(record)] })) }) });
}

function entryOf(record: LogRecord) {
  return {
    kind: 'event' as const, workspace: 'ws_test', profileId: profileOf(record), type: 'track', name: 'Tested', messageId: nameOf(record),
    timestampMs: record.timestampMs, appendedAtMs: record.timestampMs, source: record.partition, offset: record.offset, body: record.value as Buffer,
  };
}

type Life = Parameters<LineShape>;

const first = (...life: Life): Stage => tallying(life, { name: 'scoring', reads: eventsConsented, writes: profilesScored, holdMs: HOLD_MS.scoring }) as Stage;
const second = (...life: Life): Stage => tallying(life, { name: 'segmentation', reads: profilesScored, writes: undefined, holdMs: HOLD_MS.segmentation }) as Stage;

interface NamedTally extends Tally {
  readonly profileId: string;
}

interface TallyingShape extends Pick<FoldStage<NamedTally>, 'name' | 'reads' | 'writes'> {
  readonly holdMs: number;
}

/** Stored as the tallying stage does; what it takes down it forwards, or announces when it is the last. */
function tallying([pool, process]: Life, { holdMs, ...shape }: TallyingShape): FoldStage<NamedTally> {
  const step = (tally: NamedTally, emit: Emitter, text: string): void => {
    const index = tally.steps.push(text) - 1;
    if (shape.writes === undefined) emit.record({ topic: segmentsChanged.name, key: Buffer.from(tally.profileId), value: Buffer.from(`${index} ${text}`) });
  };
  return {
    ...(tallyingStage(pool, {}, { name: shape.name }) as FoldStage<Tally> as unknown as FoldStage<NamedTally>),
    ...shape,
    create: ({ profileId }) => ({ steps: [], dueMs: null, profileId }),
    apply: (tally, entry, emit) => {
      if (process.takeHiccup()) throw new Error('a hiccup');
      step(tally, emit, `e${entry.messageId}`);
      tally.dueMs = entry.appendedAtMs + holdMs;
      if (shape.writes !== undefined) emit.forward(entry);
    },
    advance: (tally, beforeMs, emit) => {
      if (tally.dueMs === null || tally.dueMs >= beforeMs) return;
      step(tally, emit, `t${tally.dueMs}`);
      tally.dueMs = null;
    },
  };
}
