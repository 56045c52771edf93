import { setTimeout as sleep } from 'node:timers/promises';
import { Line } from './line.js';
import type { LineOptions } from './line-options.js';
import type { Stage } from './stage.js';

const POLL_MS = 200;

/**
 * Before stages are chained in one process, what another layout left in the topics between them goes through: a chain
 * does not read those topics, and nothing may overtake what is in them.
 */
export async function drainBetween(options: LineOptions): Promise<void> {
  for (const stage of options.stages.slice(1)) {
    if ((await lagOf(stage, options)) === 0) continue;
    const line = new Line({ ...options, stages: [stage] });
    await line.start();
    while ((await lagOf(stage, options)) > 0) await sleep(POLL_MS);
    await line.stop();
  }
}

async function lagOf(stage: Stage, { log, pool }: LineOptions): Promise<number> {
  const topic = stage.reads.name;
  const offsets = await log.offsets(topic);
  const next = stage.kind === 'entries' ? await log.committed(stage.name, topic) : await storedOffsets(stage.name, pool);
  let lag = 0;
  for (const [partition, { low, high }] of offsets) lag += Math.max(0, high - (next.get(partition) ?? low));
  return lag;
}

async function storedOffsets(stage: string, pool: LineOptions['pool']): Promise<Map<number, number>> {
  const { rows } = await pool.query<{ partition: number; next_offset: number | null }>('select partition, next_offset from stream.progress where stage = $1', [stage]);
  return new Map(rows.flatMap(({ partition, next_offset }) => (next_offset === null ? [] : [[partition, next_offset] as const])));
}
