import type { Pool } from '@tributary/postgres/pool';
import type { Write } from '@tributary/postgres/write';

const DAY_MS = 86_400_000;
/** Older counts are forgotten. */
const KEPT_DAYS = 400;

/** How often what was found wrong in a workspace on a day (UTC). */
export interface QualityCount {
  /** `YYYY-MM-DD`, of the append time. */
  readonly day: string;
  readonly reason: string;
  readonly count: number;
}

/** Counts of one batch, by workspace, day and reason. */
export class BatchCounts {
  readonly #counts = new Map<string, { readonly workspace: string; readonly day: number; readonly reason: string; count: number }>();

  add(workspace: string, reason: string, appendedAtMs: number): void {
    const day = Math.floor(appendedAtMs / DAY_MS);
    const key = `${day}/${reason}/${workspace}`;
    const known = this.#counts.get(key);
    if (known === undefined) this.#counts.set(key, { workspace, day, reason, count: 1 });
    else known.count += 1;
  }

  write(): Write | null {
    if (this.#counts.size === 0) return null;
    const rows = [...this.#counts.values()];
    return {
      text: `insert into cleansing.quality_counts (workspace, day, reason, count)
        select workspace, date '1970-01-01' + day, reason, count from unnest($1::text[], $2::int[], $3::text[], $4::bigint[]) as found (workspace, day, reason, count)`,
      values: [rows.map((row) => row.workspace), rows.map((row) => row.day), rows.map((row) => row.reason), rows.map((row) => row.count)],
    };
  }
}

/** A batch that had to be repeated counts twice: these are for people to look at, not to reconcile. */
export class QualityCounts {
  constructor(private readonly pool: Pool) {}

  /** From a day on, oldest day first. @param since `YYYY-MM-DD` */
  async list(workspace: string, since: string): Promise<readonly QualityCount[]> {
    const { rows } = await this.pool.query<QualityCount>({
      name: 'list-quality',
      text: `select to_char(day, 'YYYY-MM-DD') as day, reason, sum(count)::bigint as count from cleansing.quality_counts
        where workspace = $1 and day >= $2::date group by 1, 2 order by 1, 2`,
      values: [workspace, since],
    });
    return rows;
  }

  /** Folds the rows of many batches into one a day and reason, and forgets what is old. Safe beside running batches. */
  async compact(): Promise<void> {
    await this.pool.query(`
      with taken as (delete from cleansing.quality_counts returning *)
      insert into cleansing.quality_counts select workspace, day, reason, sum(count) from taken
      where day > current_date - ${KEPT_DAYS} group by workspace, day, reason`);
  }
}
