// A history of profiles as the source relations of the SQL form, in temporary tables: one workspace per history, so
// that many can be loaded at once.
import type pg from 'pg';
import type { SourceRelations } from '@tributary/domain/segmentation/sql/context';
import { sqlFunctions } from '@tributary/domain/segmentation/sql/sql-functions';

export interface HistoryEvent {
  readonly profileId: string;
  readonly messageId: string;
  readonly type: string;
  /** As rules see it: the track event's name, `page`, `screen`, else empty. */
  readonly name: string;
  readonly timestampMs: number;
  readonly appendedAtMs: number;
  readonly body: unknown;
}

export interface Piece {
  readonly profileId: string;
  readonly fromMs: number;
  readonly toMs: number | null;
}

export interface History {
  readonly profiles: readonly { readonly profileId: string; readonly knownFromMs: number }[];
  /** In the order of the log. */
  readonly events: readonly HistoryEvent[];
  readonly lists?: readonly (Piece & { readonly list: string })[];
  readonly clusters?: readonly (Piece & { readonly model: string; readonly label: string })[];
  readonly computed?: readonly (Piece & { readonly key: string; readonly value: unknown })[];
  readonly mergedWithdrawals?: readonly { readonly profileId: string; readonly purpose: string; readonly mergedMs: number }[];
}

export const relations: Required<SourceRelations> = {
  profiles: 'oracle_profiles',
  events: 'oracle_events',
  lists: 'oracle_lists',
  clusters: 'oracle_clusters',
  computed: 'oracle_computed',
  mergedWithdrawals: 'oracle_merged_withdrawals',
};

export async function createRelations(client: pg.ClientBase): Promise<void> {
  await client.query(sqlFunctions);
  await client.query(`
    CREATE TEMP TABLE oracle_profiles (workspace text, profile_id uuid, known_from_ms bigint, PRIMARY KEY (workspace, profile_id));
    CREATE TEMP TABLE oracle_events (workspace text, profile_id uuid, message_id text, type text, name text, ts_ms bigint, appended_ms bigint, sequence bigint, body jsonb);
    CREATE INDEX ON oracle_events (workspace, profile_id, name, ts_ms);
    CREATE TEMP TABLE oracle_lists (workspace text, list text, profile_id uuid, from_ms bigint, to_ms bigint);
    CREATE TEMP TABLE oracle_clusters (workspace text, model text, profile_id uuid, label text, from_ms bigint, to_ms bigint);
    CREATE TEMP TABLE oracle_computed (workspace text, key text, profile_id uuid, value jsonb, from_ms bigint, to_ms bigint);
    CREATE TEMP TABLE oracle_merged_withdrawals (workspace text, profile_id uuid, purpose text, merged_ms bigint);
    CREATE TEMP TABLE oracle_points (workspace text, profile_id uuid, at_ms bigint);`);
}

export async function clearRelations(client: pg.ClientBase): Promise<void> {
  await client.query(`TRUNCATE ${Object.values(relations).join(', ')}, oracle_points`);
}

export async function loadHistory(client: pg.ClientBase, workspace: string, history: History): Promise<void> {
  await insert(client, `${relations.profiles} (workspace, profile_id, known_from_ms)`, history.profiles.map((one) => ({ workspace, profile_id: one.profileId, known_from_ms: one.knownFromMs })));
  await insert(client, `${relations.events} (workspace, profile_id, message_id, type, name, ts_ms, appended_ms, sequence, body)`, history.events.map((event, i) => ({
    workspace,
    profile_id: event.profileId,
    message_id: event.messageId,
    type: event.type,
    name: event.name,
    ts_ms: event.timestampMs,
    appended_ms: event.appendedAtMs,
    sequence: i + 1,
    body: event.body,
  })));
  const piece = ({ profileId, fromMs, toMs }: Piece) => ({ workspace, profile_id: profileId, from_ms: fromMs, to_ms: toMs });
  await insert(client, `${relations.lists} (workspace, list, profile_id, from_ms, to_ms)`, (history.lists ?? []).map((one) => ({ ...piece(one), list: one.list })));
  await insert(client, `${relations.clusters} (workspace, model, profile_id, label, from_ms, to_ms)`, (history.clusters ?? []).map((one) => ({ ...piece(one), model: one.model, label: one.label })));
  await insert(client, `${relations.computed} (workspace, key, profile_id, value, from_ms, to_ms)`, (history.computed ?? []).map((one) => ({ ...piece(one), key: one.key, value: one.value })));
  await insert(client, `${relations.mergedWithdrawals} (workspace, profile_id, purpose, merged_ms)`, (history.mergedWithdrawals ?? []).map((one) => ({ workspace, profile_id: one.profileId, purpose: one.purpose, merged_ms: one.mergedMs })));
}

export async function loadPoints(client: pg.ClientBase, workspace: string, points: readonly { readonly profileId: string; readonly atMs: number }[]): Promise<void> {
  await insert(client, 'oracle_points (workspace, profile_id, at_ms)', points.map((one) => ({ workspace, profile_id: one.profileId, at_ms: one.atMs })));
}

/** `into` is `table (columns)`; rows are objects with those columns. */
async function insert(client: pg.ClientBase, into: string, rows: readonly object[]): Promise<void> {
  if (rows.length === 0) return;
  const [table, columns] = into.split(' (');
  const list = columns!.slice(0, -1);
  await client.query(`INSERT INTO ${into} SELECT ${list} FROM jsonb_populate_recordset(NULL::${table}, $1::jsonb)`, [JSON.stringify(rows)]);
}
