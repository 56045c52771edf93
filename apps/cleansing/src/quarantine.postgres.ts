import type { Entry } from '@tributary/contracts/entry';
import type { QuarantineReason } from '@tributary/domain/cleansing/cleanse';
import type { Pool } from '@tributary/postgres/pool';
import type { Write } from '@tributary/postgres/write';

/** As long as the topic may hold the event, and some time to look back. */
const KEPT_DAYS = 30;

/** An event that was set aside; the event itself is in the topic `cleansing.parked`. */
export interface Quarantined {
  readonly messageId: string;
  readonly profileId: string;
  readonly type: string;
  readonly name: string;
  readonly reason: QuarantineReason;
  /** JSON Pointer to what is wrong. */
  readonly pointer: string;
  readonly timestampMs: number;
  readonly appendedMs: number;
  readonly sequence: number;
}

export interface QuarantinedEntry {
  readonly entry: Entry;
  readonly reason: QuarantineReason;
  readonly pointer: string;
}

/** The same event again is the same row. */
export function insertQuarantined(found: readonly QuarantinedEntry[]): Write {
  return {
    text: `insert into cleansing.quarantine (workspace, message_id, profile_id, type, name, reason, pointer, timestamp_ms, appended_ms)
      select * from unnest($1::text[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bigint[])
      on conflict (workspace, message_id) do nothing`,
    values: [
      found.map(({ entry }) => entry.workspace),
      found.map(({ entry }) => entry.messageId),
      found.map(({ entry }) => entry.profileId),
      found.map(({ entry }) => entry.type),
      found.map(({ entry }) => entry.name),
      found.map(({ reason }) => reason),
      found.map(({ pointer }) => pointer),
      found.map(({ entry }) => storableMs(entry.timestampMs)),
      found.map(({ entry }) => entry.appendedAtMs),
    ],
  };
}

/** What waits to be repaired or forgotten. */
export class Quarantine {
  constructor(private readonly pool: Pool) {}

  /** Newest first. */
  async list(workspace: string, filter: { readonly reason: string | null; readonly limit: number; readonly before: number | null }): Promise<readonly Quarantined[]> {
    const { rows } = await this.pool.query<Quarantined>({
      name: 'list-quarantine',
      text: `select message_id as "messageId", profile_id as "profileId", type, name, reason, pointer, timestamp_ms as "timestampMs", appended_ms as "appendedMs", sequence
        from cleansing.quarantine where workspace = $1 and ($2::text is null or reason = $2) and sequence < $3 order by sequence desc limit $4`,
      values: [workspace, filter.reason, filter.before ?? Number.MAX_SAFE_INTEGER, filter.limit],
    });
    return rows;
  }

  async count(workspace: string): Promise<{ readonly [reason: string]: number }> {
    const { rows } = await this.pool.query<{ reason: string; count: number }>({
      name: 'count-quarantine',
      text: 'select reason, count(*)::bigint as count from cleansing.quarantine where workspace = $1 group by reason order by reason',
      values: [workspace],
    });
    return Object.fromEntries(rows.map(({ reason, count }) => [reason, count]));
  }

  /** @returns how many were too old to be kept */
  async forgetOld(): Promise<number> {
    const { rowCount } = await this.pool.query(`delete from cleansing.quarantine where quarantined_at < now() - make_interval(days => ${KEPT_DAYS})`);
    return rowCount ?? 0;
  }
}

const MS_MAX = 8.64e15;

/** An implausible time may be none at all. */
function storableMs(ms: number): number {
  return Number.isFinite(ms) ? Math.max(-MS_MAX, Math.min(ms, MS_MAX)) : 0;
}
