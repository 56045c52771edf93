import type { StageName } from '@tributary/contracts/topics/flow';
import type { Topic } from '@tributary/contracts/topics/topic';
import type { Batch, Flow } from './batch.js';
import { decodeFrame, type Frame, packFrames } from './frame.js';
import { parkRecord } from './park.js';
import type { LogRecord, OutRecord } from './stage.js';

/** The frames of a batch, by partition. One that cannot be read is set aside. */
export function framesIn(batch: Batch, stage: StageName): Flow[] {
  return [...Map.groupBy(batch.records, ({ partition }) => partition)].map(([partition, records]) => ({
    partition,
    parts: records.map((record) => ({ ...read(record, batch, stage), recordOffset: record.offset })),
  }));
}

function read(record: LogRecord, batch: Batch, stage: StageName): Frame {
  try {
    return decodeFrame(record.value ?? Buffer.alloc(0));
  } catch {
    batch.out.push(parkRecord(stage, 'unreadable_frame', record));
    batch.count(stage, 'park', 'unreadable_frame');
    return { positions: new Map(), entries: [] };
  }
}

/** What the last stage of a process forwards, as records of its topic. */
export function framesOut({ flows }: Batch, topic: Topic | undefined): OutRecord[] {
  if (topic?.carries !== 'frames') return [];
  return flows.flatMap(({ partition, parts }) =>
    parts.flatMap((part) => packFrames(part.entries, part.positions).map((value) => ({ topic: topic.name, partition, key: null, value }))),
  );
}
