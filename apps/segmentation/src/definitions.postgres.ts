import type { Pool } from '@tributary/postgres/pool';
import type { SegmentRule } from '@tributary/contracts/rule';

/** All that the engine of one definitions version is compiled from. */
export interface Definitions {
  readonly workspace: string;
  readonly version: number;
  readonly timezone: string;
  readonly purposes: { readonly [purpose: string]: 'opt-in' | 'opt-out' };
  readonly segments: readonly SegmentRule[];
}

/** Before anything was defined. */
export function noDefinitions(workspace: string): Definitions {
  return { workspace, version: 0, timezone: 'UTC', purposes: {}, segments: [] };
}

/** Reads the snapshots that definitions versions are. They never change once written. */
export class DefinitionsStore {
  constructor(private readonly pool: Pool) {}

  /** The newest version of every workspace that has one. */
  async newest(): Promise<Map<string, number>> {
    const { rows } = await this.pool.query<{ workspace: string; version: number }>({
      name: 'newest-definitions',
      text: 'select workspace, max(version) as version from segmentation.definitions group by workspace',
    });
    return new Map(rows.map(({ workspace, version }) => [workspace, version]));
  }

  /** @throws Error when a version that a partition stands at is gone */
  async load(workspace: string, version: number): Promise<Definitions> {
    if (version === 0) return noDefinitions(workspace);
    const { rows } = await this.pool.query<Definitions>({
      name: 'load-definitions',
      text: 'select workspace, version, timezone, purposes, segments from segmentation.definitions where workspace = $1 and version = $2',
      values: [workspace, version],
    });
    const found = rows[0];
    if (found === undefined) throw new Error(`the definitions of ${workspace} at version ${version} are gone`);
    return found;
  }

  async switches(partitions: readonly number[]): Promise<SwitchRow[]> {
    const { rows } = await this.pool.query<SwitchRow>({
      name: 'load-switches',
      text: `select workspace, partition, version, next_version as "nextVersion", cursor, done_profiles as "doneProfiles"
        from segmentation.switches where partition = any($1::int[])`,
      values: [partitions],
    });
    return rows;
  }
}

/** Where one partition of a workspace is in following its definitions. */
export interface SwitchRow {
  readonly workspace: string;
  readonly partition: number;
  /** The version that profiles beyond the cursor follow. */
  readonly version: number;
  /** The version that profiles up to the cursor follow; null when no switch is under way. */
  readonly nextVersion: number | null;
  readonly cursor: string | null;
  readonly doneProfiles: number;
}
