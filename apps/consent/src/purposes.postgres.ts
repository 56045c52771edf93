import { DEFAULT_POLICIES, type PurposePolicy } from '@tributary/domain/consent/policy';
import type { Pool } from '@tributary/postgres/pool';
import { Problem } from '@tributary/service/problem';

export interface Purpose {
  readonly purpose: string;
  readonly policy: PurposePolicy;
}

/** The gate carries every purpose of a workspace with every batch. */
const PURPOSES_MAX = 200;

/** What a workspace may want to use data for, and what holds where nothing was said. */
export class Purposes {
  constructor(private readonly pool: Pool) {}

  /** All of them, by name: the defaults, as changed, and the workspace's own. */
  async list(workspace: string): Promise<readonly Purpose[]> {
    const { rows } = await this.pool.query<Purpose>({ name: 'list-purposes', text: 'select purpose, policy from consent.purposes where workspace = $1', values: [workspace] });
    const policies = new Map<string, PurposePolicy>([...DEFAULT_POLICIES, ...rows.map(({ purpose, policy }) => [purpose, policy] as const)]);
    return [...policies].map(([purpose, policy]) => ({ purpose, policy })).sort((left, right) => (left.purpose < right.purpose ? -1 : 1));
  }

  /** Counts for every event processed from now on. @throws Problem 422 when the workspace has too many */
  async define(workspace: string, purpose: string, policy: PurposePolicy): Promise<Purpose> {
    const { rowCount } = await this.pool.query({
      name: 'define-purpose',
      text: `insert into consent.purposes (workspace, purpose, policy)
        select $1, $2, $3 where (select count(*) from consent.purposes where workspace = $1 and purpose <> $2) < ${PURPOSES_MAX}
        on conflict (workspace, purpose) do update set policy = excluded.policy, changed_at = now()`,
      values: [workspace, purpose, policy],
    });
    if (rowCount === 0) throw new Problem(422, 'too_many_purposes', `A workspace has at most ${PURPOSES_MAX} purposes of its own.`);
    return { purpose, policy };
  }
}
