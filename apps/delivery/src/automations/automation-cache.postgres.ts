import type { AutomationTrigger } from '@tributary/domain/delivery/match-automation';
import type { Pool } from '@tributary/postgres/pool';

/** An automation as the stage needs it. */
export interface ActiveAutomation extends AutomationTrigger {
  readonly id: string;
  readonly key: string;
  readonly template: string;
  readonly purpose: string;
  readonly once: boolean;
}

interface Cached {
  readonly version: number;
  readonly bySegment: ReadonlyMap<string, readonly ActiveAutomation[]>;
}

const NONE: readonly ActiveAutomation[] = [];
const WORKSPACES_MAX = 10_000;

/**
 * The automations of workspaces, kept in memory. One small query a batch asks whether they have changed, so that an
 * automation acts on the first change after it was made.
 */
export class AutomationCache {
  readonly #workspaces = new Map<string, Cached>();

  constructor(private readonly pool: Pool) {}

  /** Brings the cache up to date for these workspaces; afterwards {@link of} answers for them. */
  async refresh(workspaces: readonly string[]): Promise<void> {
    const { rows } = await this.pool.query<{ workspace: string; version: number }>({
      name: 'automation-versions',
      text: 'select workspace, version from delivery.automation_versions where workspace = any($1::text[])',
      values: [workspaces],
    });
    const stale = rows.filter(({ workspace, version }) => this.#workspaces.get(workspace)?.version !== version);
    if (stale.length > 0) await this.#load(stale);
  }

  of(workspace: string, segment: string): readonly ActiveAutomation[] {
    return this.#workspaces.get(workspace)?.bySegment.get(segment) ?? NONE;
  }

  /** The versions were read before the automations: what changes in between is read again with the next batch. */
  async #load(stale: readonly { readonly workspace: string; readonly version: number }[]): Promise<void> {
    const { rows } = await this.pool.query<ActiveAutomation & { workspace: string }>(
      `select workspace, id, key, segment, trigger as "on", template, purpose, once, include_existing as "includeExisting", acts_since_ms as "actsSinceMs"
        from delivery.automations where workspace = any($1::text[]) order by workspace, created_ms, key`,
      [stale.map(({ workspace }) => workspace)],
    );
    if (this.#workspaces.size + stale.length > WORKSPACES_MAX) this.#workspaces.clear();
    for (const { workspace, version } of stale) {
      const bySegment = new Map<string, ActiveAutomation[]>();
      for (const { workspace: owner, ...automation } of rows) {
        if (owner !== workspace) continue;
        const same = bySegment.get(automation.segment);
        if (same === undefined) bySegment.set(automation.segment, [automation]);
        else same.push(automation);
      }
      this.#workspaces.set(workspace, { version, bySegment });
    }
  }
}
