import type { Entry } from '@tributary/contracts/entry';
import { shardOf } from '@tributary/contracts/shard';
import type { Write } from '@tributary/postgres/write';
import { bigintArray, jsonbArray, smallintArray, textArray, uuidArray } from '@tributary/postgres/binary-array';
import { storableJson } from './storable-json.js';

/** An event on its way into the history. */
export interface HistoryRow {
  readonly entry: Entry;
  /** Whose it is now. */
  readonly profileId: string;
  /** The sequence of the entry that was forwarded for it. */
  readonly sequence: number;
}

const COLUMNS = 'ts_ms, appended_ms, sequence, shard, profile_id, original_profile_id, workspace, message_id, type, name, body';

const INSERT = `insert into scoring.events (${COLUMNS}, message_hash)
  select ${COLUMNS}, hashtextextended(message_id, 0)
  from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::smallint[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[], $11::jsonb[]) e(${COLUMNS})
  on conflict do nothing`;

/** One statement for all events of a batch. An event that is there already stays as it is. */
export function insertEvents(rows: readonly HistoryRow[]): Write {
  return {
    text: INSERT,
    values: [
      bigintArray(rows.map(({ entry }) => entry.timestampMs)),
      bigintArray(rows.map(({ entry }) => entry.appendedAtMs)),
      bigintArray(rows.map(({ sequence }) => sequence)),
      smallintArray(rows.map(({ profileId }) => shardOf(profileId))),
      uuidArray(rows.map(({ profileId }) => profileId)),
      uuidArray(rows.map(({ entry, profileId }) => (entry.profileId === profileId ? null : entry.profileId))),
      textArray(rows.map(({ entry }) => entry.workspace)),
      textArray(rows.map(({ entry }) => entry.messageId)),
      textArray(rows.map(({ entry }) => entry.type)),
      textArray(rows.map(({ entry }) => entry.name)),
      jsonbArray(rows.map(({ entry }) => storableJson(entry.body))),
    ],
  };
}

/** The history of a merged profile becomes its survivor's. */
export interface HistoryMove {
  readonly loser: string;
  readonly survivor: string;
  /** The sequence of the entry with which the survivor's readers get to know it. */
  readonly sequence: number;
}

const COPY = `insert into scoring.events (${COLUMNS}, message_hash)
  select e.ts_ms, e.appended_ms, m.sequence, m.shard, m.survivor, coalesce(e.original_profile_id, e.profile_id), e.workspace, e.message_id, e.type, e.name, e.body, e.message_hash
  from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::smallint[]) m(loser, survivor, sequence, shard)
  join scoring.events e on e.profile_id = m.loser
  on conflict do nothing`;

const DELETE = 'delete from scoring.events where profile_id = any($1::uuid[])';

/**
 * Copy and delete instead of an update: an update that met an event which the survivor has already could never succeed.
 * Both parts see the history as it was before the batch.
 */
export function moveEvents(moves: readonly HistoryMove[]): readonly Write[] {
  const losers = uuidArray(moves.map(({ loser }) => loser));
  return [
    {
      text: COPY,
      values: [
        losers,
        uuidArray(moves.map(({ survivor }) => survivor)),
        bigintArray(moves.map(({ sequence }) => sequence)),
        smallintArray(moves.map(({ survivor }) => shardOf(survivor))),
      ],
    },
    { text: DELETE, values: [losers] },
  ];
}
