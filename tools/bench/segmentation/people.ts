// The people, by identify calls through the inlet, and their history. A million events through the inlet would take
// minutes that say nothing about segmentation: they are inserted into scoring's table in the form in which scoring
// writes them, of names that no segment asks for yet, known since the profile was made. Computed traits do not count them.
import pg from 'pg';
import type { Stack } from '../../stack.ts';
import { waitForQuiet } from '../check-result.ts';
import { kafkaSender } from '../send-load.ts';
import { identifyOf } from '../workload.ts';

export const LESSON = 'Lesson Finished';
export const WEBINAR = 'Webinar Joined';

const AT_ONCE = 1_000;
const QUIET_WITHIN_MS = 600_000;
const HISTORY_DAYS = 30;

export async function preparePeople({ env, credentials }: Stack, wanted: { readonly profiles: number; readonly events: number }, say: (line: string) => void): Promise<void> {
  const url = env['DATABASE_URL'] as string;
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows: [known] } = await client.query<{ n: number }>('select count(*)::int as n from scoring.profiles where workspace = $1', [credentials!.workspace]);
    if (known!.n < wanted.profiles) {
      const startedMs = Date.now();
      const sender = await kafkaSender(env['KAFKA_BROKERS'] as string, credentials!.writeKey);
      for (let from = 0; from < wanted.profiles; from += AT_ONCE) {
        await sender.send(Array.from({ length: Math.min(AT_ONCE, wanted.profiles - from) }, (_, index) => identifyOf(from + index, Date.now())));
      }
      await sender.close();
      await waitForQuiet(url, QUIET_WITHIN_MS);
      say(`${wanted.profiles} people made by identify calls in ${((Date.now() - startedMs) / 1_000).toFixed(1)} s`);
    }
    const { rows: [there] } = await client.query<{ n: number }>('select count(*)::int as n from scoring.events where workspace = $1 and name = $2 and message_id like $3', [credentials!.workspace, LESSON, 'h-%']);
    if (there!.n === 0) {
      const startedMs = Date.now();
      // Before all of them were known, as no event is later than its append time.
      const { rows: [first] } = await client.query<{ ms: string }>('select min(created_ms) as ms from scoring.profiles where workspace = $1', [credentials!.workspace]);
      await client.query(INSERT_HISTORY, [credentials!.workspace, Math.round(wanted.events / wanted.profiles), LESSON, first!.ms, HISTORY_DAYS * 86_400_000]);
      await client.query(INSERT_WEBINAR, [credentials!.workspace, WEBINAR, first!.ms]);
      // As autovacuum would within a minute.
      await client.query('analyze scoring.events');
      say(`${wanted.events} events of history inserted in ${((Date.now() - startedMs) / 1_000).toFixed(1)} s`);
    }
  } finally {
    await client.end();
  }
}

const COLUMNS = 'ts_ms, appended_ms, sequence, message_hash, shard, profile_id, workspace, message_id, type, name, body';

/** Spread over the last days; at the sequence that the profile's identify call had. */
const INSERT_HISTORY = `
  insert into scoring.events (${COLUMNS})
  select $4::bigint - (random() * $5::bigint)::bigint, p.created_ms + 1, p.sequence, hashtextextended(m.id, 0), p.shard, p.profile_id, p.workspace, m.id, 'track', $3::text,
    jsonb_build_object('properties', jsonb_build_object('minutes', (random() * 60)::int, 'course', 'course-' || (random() * 200)::int, 'price', round((random() * 120)::numeric, 2), 'category', 'home and garden', 'currency', 'EUR', 'position', n),
      'context', jsonb_build_object('library', jsonb_build_object('name', 'bench', 'version', '1.0.0'), 'page', jsonb_build_object('path', '/lessons/detail', 'referrer', 'https://school.example/', 'title', 'A lesson of the school')))
  from scoring.profiles p cross join generate_series(1, $2::int) n cross join lateral (select 'h-' || p.profile_id || '-' || n as id) m
  where p.workspace = $1 and p.survivor_id is null
  on conflict do nothing`;

/** Everybody at the same instant. */
const INSERT_WEBINAR = `
  insert into scoring.events (${COLUMNS})
  select $3::bigint, p.created_ms + 1, p.sequence, hashtextextended(m.id, 0), p.shard, p.profile_id, p.workspace, m.id, 'track', $2::text, '{"properties": {"title": "Spring webinar"}}'
  from scoring.profiles p cross join lateral (select 'w-' || p.profile_id as id) m
  where p.workspace = $1 and p.survivor_id is null
  on conflict do nothing`;

export async function webinarAtMs(databaseUrl: string): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ ts: string }>('select ts_ms as ts from scoring.events where name = $1 limit 1', [WEBINAR]);
    return Number(rows[0]!.ts);
  } finally {
    await client.end();
  }
}
