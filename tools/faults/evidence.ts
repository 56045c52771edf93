// Everything that a run has left behind, read once it is quiet.
import pg from 'pg';
import type { SegmentChange } from '@tributary/contracts/change';
import { flow, parkedTopic, type StageName } from '@tributary/contracts/topics/flow';
import { openLog } from '@tributary/stream/log';
import { readTopic } from '@tributary/stream/read-topic';
import type { LogRecord } from '@tributary/stream/stage';

pg.types.setTypeParser(pg.types.builtins.INT8, Number);

export interface HistoryRow {
  readonly messageId: string;
  readonly profileId: string;
  readonly timestampMs: number;
  readonly appendedMs: number;
}

export interface StoredChange {
  readonly profileId: string;
  readonly sequence: number;
  readonly segment: string;
  readonly change: 'entered' | 'left';
  readonly effectiveMs: number;
  readonly cause: string;
}

export interface StoredSend {
  readonly id: string;
  readonly automation: string;
  readonly profileId: string;
  readonly sequence: number;
  readonly state: string;
  readonly reason: string | null;
}

export interface Evidence {
  /** Everything up to this instant (exclusive) was in the changes when they were read. */
  readonly asOfMs: number;
  readonly history: readonly HistoryRow[];
  readonly changes: readonly StoredChange[];
  /** Those that had come in addition when the topics had been read: time goes on meanwhile. */
  readonly laterChanges: readonly StoredChange[];
  /** Records of the public topic, repeats included. */
  readonly published: readonly SegmentChange[];
  readonly decisions: readonly { readonly id: string; readonly decision: string; readonly reason: string }[];
  readonly sends: readonly StoredSend[];
  readonly parked: readonly (LogRecord & { readonly stage: StageName })[];
  /** The profile that an identifier means now, by `type:value`. */
  readonly profiles: ReadonlyMap<string, string>;
  /** Profiles that took part in a merge. */
  readonly merged: ReadonlySet<string>;
}

export async function gatherEvidence(at: { readonly databaseUrl: string; readonly brokers: string; readonly workspace: string }): Promise<Evidence> {
  const { databaseUrl, brokers, workspace } = at;
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const ask = async <Row extends object>(text: string): Promise<Row[]> => (await client.query<Row>(text, [workspace])).rows;
  try {
    // One moment for all tables.
    await client.query('begin isolation level repeatable read read only');
    const { rows: [standing] } = await client.query<{ as_of: number }>(`select min(watermark_ms) as as_of from stream.progress where stage = 'segmentation'`);
    const history = await ask<HistoryRow>(`select message_id as "messageId", profile_id as "profileId", ts_ms as "timestampMs", appended_ms as "appendedMs" from scoring.history where workspace = $1`);
    const changes = await ask<StoredChange>(CHANGES);
    const sends = await ask<StoredSend>(`select id, automation, profile_id as "profileId", change_sequence as sequence, state, reason from delivery.sends where workspace = $1`);
    const identifiers = await ask<{ type: string; value: string; profile: string }>(`select type, value, profile_id as profile from ingestion.profile_identifiers where workspace = $1`);
    const merges = await ask<{ loser: string; survivor: string }>(`select loser, survivor from ingestion.merges where workspace = $1`);
    await client.query('commit');
    const topics = await readTopics(brokers);
    const known = new Set(changes.map(placeOf));
    const laterChanges = (await ask<StoredChange>(CHANGES)).filter((change) => !known.has(placeOf(change)));
    return {
      asOfMs: standing?.as_of ?? 0,
      history, changes, laterChanges, sends,
      profiles: new Map(identifiers.map(({ type, value, profile }) => [`${type}:${value}`, profile])),
      merged: new Set(merges.flatMap(({ loser, survivor }) => [loser, survivor])),
      ...topics,
    };
  } finally {
    await client.end();
  }
}

const CHANGES = `select profile_id as "profileId", sequence, segment, change, effective_ms as "effectiveMs", cause
  from segmentation.changes where workspace = $1 order by profile_id, sequence`;

function placeOf({ profileId, sequence }: StoredChange): string {
  return `${profileId}/${sequence}`;
}

async function readTopics(brokers: string): Promise<Pick<Evidence, 'published' | 'decisions' | 'parked'>> {
  const log = await openLog({ brokers: brokers.split(','), clientId: 'faults-evidence', client: 'kafkajs' });
  try {
    const published: SegmentChange[] = [];
    const decisions: Evidence['decisions'][number][] = [];
    const parked: Evidence['parked'][number][] = [];
    await readTopic(log, 'segments.changed', ({ value }) => {
      const change = parse<SegmentChange>(value);
      if (change !== null) published.push(change);
    });
    await readTopic(log, 'messages.sent', ({ value }) => void decisions.push(parse(value) as Evidence['decisions'][number]));
    for (const { name } of flow) await readTopic(log, parkedTopic(name).name, (record) => void parked.push({ ...record, stage: name }));
    return { published, decisions, parked };
  } finally {
    await log.close();
  }
}

/** Poison that we put there ourselves is null. */
function parse<Value>(value: Buffer | null): Value | null {
  try {
    return JSON.parse((value ?? Buffer.alloc(0)).toString()) as Value;
  } catch {
    return null;
  }
}
