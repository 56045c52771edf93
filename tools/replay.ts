// npm run replay -- --topic <stage>.parked [--reason <reason>] [--limit <n>] [--edit <file.json>] [--dry-run]
// Sends parked records through again, from the front door, with their own time and message id. Running it twice counts
// nothing twice. --edit names a JSON object of repaired bodies by offset in the parked topic: {"17": {"type": "track", …}};
// a `timestamp` in one replaces its time. Then only those are sent.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { flow, parkedTopic } from '@tributary/contracts/topics/flow';
import { replayRecord } from '@tributary/service/replay-record';
import { readTopic } from '@tributary/stream/read-topic';
import type { LogRecord, OutRecord } from '@tributary/stream/stage';
import { localSecret, openLocalLog } from './local-log.ts';

const SEND_RECORDS_MAX = 500;
const USAGE = 'npm run replay -- --topic <stage>.parked [--reason <reason>] [--limit <n>] [--edit <file.json>] [--dry-run]';

const { values: options } = parseArgs({
  options: { topic: { type: 'string' }, reason: { type: 'string' }, limit: { type: 'string' }, edit: { type: 'string' }, 'dry-run': { type: 'boolean', default: false } },
});
try {
  process.exitCode = await replay();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

async function replay(): Promise<number> {
  const topics = flow.map(({ name }) => parkedTopic(name).name);
  const { topic } = options;
  const limit = Number(options.limit ?? Infinity);
  if (topic === undefined || !topics.includes(topic) || Number.isNaN(limit)) {
    console.error(`${USAGE}\n<stage>.parked is one of ${topics.join(', ')}.`);
    return 2;
  }
  const edits = readEdits();
  const log = await openLocalLog();
  try {
    const parked: LogRecord[] = [];
    await readTopic(log, topic, (record) => {
      const isWanted = (options.reason === undefined || record.headers['reason'] === options.reason) && (edits === null || edits.has(record.offset));
      if (isWanted && parked.length < limit) parked.push(record);
    });
    const secret = localSecret();
    const out: OutRecord[] = [];
    const counts = new Map<string, number>();
    for (const record of parked) {
      const replayed = replayRecord(record, secret, edits?.get(record.offset));
      if (typeof replayed !== 'string') out.push(replayed);
      const line = `${record.headers['reason'] ?? 'unknown'}: ${typeof replayed === 'string' ? `left, ${replayed}` : 'replayed'}`;
      counts.set(line, (counts.get(line) ?? 0) + 1);
    }
    if (!options['dry-run']) {
      const producer = await log.producer();
      for (let from = 0; from < out.length; from += SEND_RECORDS_MAX) await producer.send(out.slice(from, from + SEND_RECORDS_MAX));
    }
    for (const [line, count] of counts) console.log(`  ${count} ${line}`);
    console.log(`${topic}: ${out.length} of ${parked.length} records ${options['dry-run'] ? 'would be sent' : 'sent'} through again.`);
    return 0;
  } finally {
    await log.close();
  }
}

function readEdits(): ReadonlyMap<number, Buffer> | null {
  if (options.edit === undefined) return null;
  const bodies = JSON.parse(readFileSync(options.edit, 'utf8')) as { readonly [offset: string]: unknown };
  return new Map(Object.entries(bodies).map(([offset, body]) => {
    if (!/^\d+$/.test(offset) || typeof body !== 'object' || body === null) throw new Error(`${options.edit}: "${offset}" must be an offset with a JSON object as its body.`);
    return [Number(offset), Buffer.from(JSON.stringify(body))];
  }));
}
