// What most write: a row per event, and once a second a query per segment whose result is compared with the last one.
import pg from 'pg';
import { openLog } from '@tributary/stream/log';
import type { OutRecord } from '@tributary/stream/stage';
import { readSegments, type WindowedSegment, windowMsOf } from './windowed-segments.ts';

const EVERY_MS = 1_000;

const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'], max: 10 });
await pool.query('create table if not exists naive_events (id bigint generated always as identity primary key, message_id text, user_id text, name text, happened_at timestamptz, properties jsonb)');
await pool.query('create index if not exists naive_events_by_name on naive_events (name, happened_at)');
await pool.query('create table if not exists naive_members (segment text, user_id text, primary key (segment, user_id))');
const log = await openLog({ brokers: (process.env['KAFKA_BROKERS'] as string).split(','), clientId: 'naive', client: 'kafkajs' });
const producer = await log.producer();
const segments = readSegments();

await log.consume({
  group: 'naive',
  topic: 'inbound.events',
  onAssigned: async (partitions) => {
    const [offsets, committed] = await Promise.all([log.offsets('inbound.events'), log.committed('naive', 'inbound.events')]);
    return new Map(partitions.map((partition) => [partition, committed.get(partition) ?? offsets.get(partition)?.low ?? 0]));
  },
  onRecords: async (_, records) => {
    for (const { value } of records) {
      const message = JSON.parse((value as Buffer).toString()) as { type: string; event: string; messageId: string; userId: string; timestamp: string; properties: object };
      if (message.type !== 'track') continue;
      await pool.query({
        name: 'insert-event', text: 'insert into naive_events (message_id, user_id, name, happened_at, properties) values ($1, $2, $3, $4, $5)',
        values: [message.messageId, message.userId, message.event, message.timestamp, message.properties],
      });
    }
  },
  onFatal: (error) => {
    throw error;
  },
});
console.log('ready');

for (;;) {
  const startedMs = Date.now();
  for (const segment of segments) await refresh(segment);
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, EVERY_MS - (Date.now() - startedMs))));
}

async function refresh(segment: WindowedSegment): Promise<void> {
  const { rows } = await pool.query<{ user_id: string; change: 'entered' | 'left' }>({
    name: 'refresh-segment',
    text: `with present as (
        select user_id from naive_events where name = $2 and happened_at > now() - $3 * interval '1 millisecond' group by user_id having count(*) >= $4),
      entered as (insert into naive_members (segment, user_id) select $1, user_id from present on conflict do nothing returning user_id),
      gone as (delete from naive_members m where segment = $1 and not exists (select 1 from present p where p.user_id = m.user_id) returning user_id)
      select user_id, 'entered' as change from entered union all select user_id, 'left' from gone`,
    values: [segment.key, segment.rule.performed, windowMsOf(segment), segment.rule.count.value],
  });
  const at = new Date().toISOString();
  // The query does not know which event it was: that something was told is all that latency can be taken from.
  const records = rows.map(({ user_id, change }): OutRecord => ({
    topic: 'segments.changed', key: Buffer.from(user_id),
    value: Buffer.from(JSON.stringify({ user: user_id, segment: segment.key, change, effectiveAt: at, processedAt: at, cause: 'schedule', reason: change === 'entered' ? { event: { messageId: '' } } : {} })),
  }));
  if (records.length > 0) await producer.send(records);
}
