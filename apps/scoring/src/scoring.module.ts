import { Module, type Provider } from '@nestjs/common';
import type { ServiceApp } from '@tributary/service/boot';
import { ProfileDirectory } from '@tributary/service/profile-directory';
import { ServicePool } from '@tributary/service/service-pool';
import { serviceProviders } from '@tributary/service/service-providers';
import { HistoryMonths } from './history-months.js';
import { ProfilesController } from './profiles.controller.js';
import { ProfilesGrpcController } from './profiles-grpc.controller.js';
import { Profiles } from './profiles.js';
import { ScoreModels } from './score-models.js';
import { ScoringStageHost } from './scoring.stage.js';

/** What the service's doors and its stage are made of. */
export const scoringProviders: Provider[] = [
  { provide: ScoreModels, useFactory: (pool: ServicePool) => new ScoreModels(pool), inject: [ServicePool] },
  {
    provide: Profiles,
    useFactory: (pool: ServicePool, directory: ProfileDirectory, models: ScoreModels) => new Profiles(pool, directory, models),
    inject: [ServicePool, ProfileDirectory, ScoreModels],
  },
  { provide: HistoryMonths, useFactory: (pool: ServicePool) => new HistoryMonths(pool), inject: [ServicePool] },
];

@Module({
  controllers: [ScoringStageHost, ProfilesController, ProfilesGrpcController],
  providers: [...serviceProviders('scoring'), ...scoringProviders],
})
export class ScoringModule {}

export const scoringService: ServiceApp = {
  name: 'scoring',
  module: ScoringModule,
  http: { variable: 'SCORING_PORT', port: 3004 },
  grpc: { variable: 'SCORING_GRPC_PORT', port: 50054, package: 'tributary.scoring.v1', proto: 'scoring.proto' },
};
