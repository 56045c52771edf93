// A stage that decides nothing: what the broker, the client and the frames cost when nobody thinks.
// `node empty-stage.ts <pack|pass|unpack> <from> <to>`, with KAFKA_BROKERS and KAFKA_CLIENT.
import { Alarm } from '@tributary/stream/alarm';
import { systemClock } from '@tributary/stream/clock';
import { decodeFrame, packFrames } from '@tributary/stream/frame';
import { type LogConfig, openLog } from '@tributary/stream/log';
import { RecordQueue } from '@tributary/stream/record-queue';
import type { LogRecord, OutRecord } from '@tributary/stream/stage';

/** As in the product. */
const PACE_MS = 5;
const PARTITIONS = 4;
/** The last stage tells of one event in three, about as many as change a membership. */
const TELLS_ONE_IN = 3;

const [mode, from, to] = process.argv.slice(2) as ['pack' | 'pass' | 'unpack', string, string];
const transform = { pack, pass, unpack }[mode];
const log = await openLog({ brokers: (process.env['KAFKA_BROKERS'] as string).split(','), clientId: `empty-${mode}`, client: (process.env['KAFKA_CLIENT'] ?? 'kafkajs') as LogConfig['client'] });
const producer = await log.producer();
const queue = new RecordQueue();
const alarm = new Alarm(systemClock);
let isStopped = false;

await log.consume({
  group: `empty-${from}`,
  topic: from,
  onAssigned: async (partitions) => {
    const offsets = await log.offsets(from);
    return new Map(partitions.map((partition) => [partition, offsets.get(partition)?.low ?? 0]));
  },
  onRecords: (_, records) => {
    const room = queue.push(records);
    alarm.ring();
    return room;
  },
  onFatal: (error) => {
    throw error;
  },
});
process.once('SIGTERM', () => {
  isStopped = true;
  queue.close();
  alarm.ring();
});
console.log('ready');
while (!isStopped) {
  if (queue.length === 0) {
    await alarm.sleep(1_000);
    continue;
  }
  const startedMs = performance.now();
  const out = transform(queue.take());
  if (out.length > 0) await producer.send(out);
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, PACE_MS - (performance.now() - startedMs))));
}
await log.close();
process.exit(0);

function pack(records: readonly LogRecord[]): OutRecord[] {
  return [...Map.groupBy(records, ({ key }) => (key?.[key.length - 1] ?? 0) % PARTITIONS)].flatMap(([partition, part]) =>
    packFrames(part.filter(({ value }) => value !== null).map((record) => ({
      kind: 'event', workspace: 'ws', profileId: '00000000-0000-4000-8000-000000000000', type: 'track', name: 'Product Viewed', messageId: '0-0-0',
      timestampMs: record.timestampMs, appendedAtMs: record.timestampMs, source: record.partition, offset: record.offset, body: record.value as Buffer,
    })), new Map()).map((value): OutRecord => ({ topic: to, partition, key: null, value })));
}

function pass(records: readonly LogRecord[]): OutRecord[] {
  return records.map(({ partition, key, value }) => ({ topic: to, partition, key, value }));
}

function unpack(records: readonly LogRecord[]): OutRecord[] {
  return records.flatMap(({ partition, value }) =>
    decodeFrame(value as Buffer).entries.filter(({ offset }) => offset % TELLS_ONE_IN === 0).map(({ body }): OutRecord => ({ topic: to, partition, key: Buffer.from('someone'), value: toldOf(body) })));
}

/** As large as a change; the id is cut out of the text, for parsing would be a decision. */
function toldOf(body: Buffer): Buffer {
  const at = body.indexOf('"messageId":"') + 13;
  const messageId = body.toString('latin1', at, body.indexOf('"', at));
  return Buffer.from(`{"change":"entered","segment":"none","user":"someone","effectiveAt":"1970-01-01T00:00:00.000Z","filling":"${'-'.repeat(300)}","reason":{"event":{"messageId":"${messageId}"}}}`);
}
