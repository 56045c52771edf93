import { type EngagementModel, standardEngagement } from '@tributary/domain/scoring/score-model';
import type { ServicePool } from '@tributary/service/service-pool';

/**
 * The score models of workspaces that have changed theirs; all others have the standard one. Read at the start: a model
 * that changes while events flow needs the history folded anew.
 */
export class ScoreModels {
  #engagement = new Map<string, EngagementModel>();

  constructor(private readonly pool: ServicePool) {}

  async load(): Promise<void> {
    const { rows } = await this.pool.pool.query<{ workspace: string; version: number; definition: Partial<EngagementModel> }>(
      `select workspace, version, definition from scoring.score_models where key = 'engagement'`,
    );
    this.#engagement = new Map(rows.map(({ workspace, version, definition }) => [workspace, { ...standardEngagement, ...definition, version }]));
  }

  engagementOf(workspace: string): EngagementModel {
    return this.#engagement.get(workspace) ?? standardEngagement;
  }
}
