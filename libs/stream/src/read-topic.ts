import type { Log } from './log.js';
import type { LogRecord } from './stage.js';

/** Hands over every record that a topic holds now, partition by partition in offset order, then resolves. */
export async function readTopic(log: Log, topic: string, onRecord: (record: LogRecord) => void): Promise<void> {
  const ends = await log.offsets(topic);
  const open = new Set([...ends].filter(([, { low, high }]) => high > low).map(([partition]) => partition));
  if (open.size === 0) return;
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const tail = await log.tail({
    topic,
    from: 'start',
    onRecord: (record) => {
      const { high } = ends.get(record.partition) ?? { high: 0 };
      if (record.offset < high) onRecord(record);
      if (record.offset >= high - 1) open.delete(record.partition);
      if (open.size === 0) finish();
    },
  });
  await finished;
  await tail.stop();
}
