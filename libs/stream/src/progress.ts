import type { Position } from '@tributary/contracts/entry';
import type { Pool } from '@tributary/postgres/pool';
import { joinWrites, type Statement, type Write } from '@tributary/postgres/write';

/** Where a keyed stage stands in one partition, as committed. */
export interface Progress {
  readonly partition: number;
  /** Grows with every change of owner. Who writes with an older one is refused. */
  readonly epoch: number;
  /** Next offset of the input topic; null before the first batch and for stages chained behind another. */
  readonly nextOffset: number | null;
  /** Up to where each source has been applied. */
  readonly positions: ReadonlyMap<number, Position>;
  /** The last offset stamped on an entry that was forwarded. */
  readonly outOffset: number;
}

/** A batch's step forward in one partition of one stage. */
export interface Advance {
  readonly stage: string;
  readonly from: Progress;
  readonly to: Omit<Progress, 'partition' | 'epoch'>;
  /** Everything that entries and time caused before this instant is committed with it; null where time is not kept. */
  readonly watermarkMs: number | null;
}

const FENCED = 'TB001';

/** True when a commit was refused because the partition has another owner, or is elsewhere than we believe. */
export function isFenced(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === FENCED;
}

interface Row {
  stage: string; partition: number; epoch: number; next_offset: number | null; positions: [number, number, number][]; out_offset: number;
}

/** By stage and partition. */
export type Claimed = ReadonlyMap<string, ReadonlyMap<number, Progress>>;

/** Takes partitions over: from here on nobody with an older epoch can commit. */
export async function claim(pool: Pool, stages: readonly string[], partitions: readonly number[], owner: string): Promise<Claimed> {
  const { rows } = await pool.query<Row>(
    `insert into stream.progress as p (stage, partition, epoch, owner)
     select stage, partition, 1, $3 from unnest($1::text[]) stage, unnest($2::int[]) partition order by 1, 2
     on conflict (stage, partition) do update set epoch = p.epoch + 1, owner = excluded.owner
     returning stage, partition, epoch, next_offset, positions, out_offset`,
    [stages, partitions, owner],
  );
  return toProgress(rows, stages);
}

/**
 * Where our partitions stand, after a batch of unknown outcome; null when another owner has taken one over. Waits for a
 * statement that is still under way on a connection we have lost, and raises the epoch, so that one which the server
 * begins only now is refused: a batch that reads nothing new leaves the offset where it was, and would pass by that alone.
 */
export async function reread(pool: Pool, stages: readonly string[], partitions: readonly number[], owner: string): Promise<Claimed | null> {
  const { rows } = await pool.query<Row>(
    `with ours as (
       select stage, partition from stream.progress where stage = any($1::text[]) and partition = any($2::int[]) and owner = $3 order by 1, 2 for update)
     update stream.progress p set epoch = p.epoch + 1 from ours where p.stage = ours.stage and p.partition = ours.partition
     returning p.stage, p.partition, p.epoch, p.next_offset, p.positions, p.out_offset`,
    [stages, partitions, owner],
  );
  return rows.length === stages.length * partitions.length ? toProgress(rows, stages) : null;
}

function toProgress(rows: readonly Row[], stages: readonly string[]): Claimed {
  const claimed = new Map(stages.map((stage) => [stage, new Map<number, Progress>()]));
  for (const row of rows) {
    const positions = new Map(row.positions.map(([source, offset, timeMs]) => [source, { offset, timeMs }]));
    claimed.get(row.stage)?.set(row.partition, { partition: row.partition, epoch: row.epoch, nextOffset: row.next_offset, positions, outOffset: row.out_offset });
  }
  return claimed;
}

/**
 * The one statement of a batch: the fence over all partitions at once, then everything else. Fails as a whole (see
 * `isFenced`) when one partition is not ours any more or not where we believe it to be. Answers `outbox_id`.
 */
export function fencedStatement(advances: readonly Advance[], writes: readonly Write[], outbox: Write | null): Statement {
  const fence: Write = {
    text: `update stream.progress p
      set next_offset = n.next_offset, positions = n.positions, out_offset = n.out_offset, watermark_ms = n.watermark_ms
      from unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[], $5::bigint[], $6::jsonb[], $7::bigint[], $8::bigint[])
        n(stage, partition, epoch, expected, next_offset, positions, out_offset, watermark_ms)
      where p.stage = n.stage and p.partition = n.partition and p.epoch = n.epoch and p.next_offset is not distinct from n.expected
      returning 1`,
    values: [
      advances.map(({ stage }) => stage),
      advances.map(({ from }) => from.partition),
      advances.map(({ from }) => from.epoch),
      advances.map(({ from }) => from.nextOffset),
      advances.map(({ to }) => to.nextOffset),
      advances.map(({ to }) => JSON.stringify(Array.from(to.positions, ([source, { offset, timeMs }]) => [source, offset, timeMs]))),
      advances.map(({ to }) => to.outOffset),
      advances.map(({ watermarkMs }) => watermarkMs),
    ],
  };
  const all = outbox === null ? [fence, ...writes] : [fence, outbox, ...writes];
  const id = outbox === null ? 'null::bigint' : '(select id from w1)';
  return joinWrites(all, `select stream.fence((select count(*) from w0), $1), ${id} as outbox_id`, [advances.length]);
}
