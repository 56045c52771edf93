import type { Pool } from '@tributary/postgres/pool';
import type { Write } from '@tributary/postgres/write';
import type { OutRecord } from './stage.js';

/**
 * What a batch sends is committed with it and published after: nothing committed stays unsent, nothing uncommitted is
 * ever sent. One row a batch; the next batch's statement deletes it.
 */
export function insertOutbox(stage: string, partitions: readonly number[], records: readonly OutRecord[]): Write {
  return {
    text: 'insert into stream.outbox (stage, partitions, payload) select $1, $2::int[], $3 returning id',
    values: [stage, partitions, encodeRecords(records)],
  };
}

export function deleteOutbox(ids: readonly number[]): Write {
  return { text: 'delete from stream.outbox where id = any($1::bigint[])', values: [ids] };
}

/** What a former owner of these partitions committed and perhaps did not publish, oldest first. */
export async function pendingOutbox(pool: Pool, stage: string, partitions: readonly number[]): Promise<{ id: number; records: OutRecord[] }[]> {
  const { rows } = await pool.query<{ id: number; payload: Buffer }>(
    'select id, payload from stream.outbox where stage = $1 and partitions && $2::int[] order by id',
    [stage, partitions],
  );
  return rows.map(({ id, payload }) => ({ id, records: decodeRecords(payload) }));
}

type Row = [topic: string, partition: number | null, key: string | null, valueBytes: number | null, headers: OutRecord['headers'] | 0];

/** 4 bytes length, rows as JSON, then the values as they will be sent. */
export function encodeRecords(records: readonly OutRecord[]): Buffer {
  const rows = records.map(({ topic, partition, key, value, headers }): Row => [topic, partition ?? null, key?.toString('base64') ?? null, value?.length ?? null, headers ?? 0]);
  const json = Buffer.from(JSON.stringify(rows));
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(json.length);
  return Buffer.concat([length, json, ...records.map(({ value }) => value ?? Buffer.alloc(0))]);
}

export function decodeRecords(bytes: Buffer): OutRecord[] {
  const rowsBytes = bytes.readUInt32BE(0);
  let at = 4 + rowsBytes;
  return (JSON.parse(bytes.toString('utf8', 4, at)) as Row[]).map(([topic, partition, key, valueBytes, headers]) => {
    const value = valueBytes === null ? null : bytes.subarray(at, at + valueBytes);
    at += valueBytes ?? 0;
    return {
      topic, value, key: key === null ? null : Buffer.from(key, 'base64'),
      ...(partition === null ? {} : { partition }), ...(headers === 0 || headers === undefined ? {} : { headers }),
    };
  });
}
