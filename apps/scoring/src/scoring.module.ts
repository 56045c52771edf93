import { Module } from '@nestjs/common';
import type { ServiceApp } from '@tributary/service/boot';
import { serviceProviders } from '@tributary/service/service-providers';
import { HistoryMonths } from './history-months.js';
import { ProfilesController } from './profiles.controller.js';
import { ProfilesGrpcController } from './profiles-grpc.controller.js';
import { Profiles } from './profiles.js';
import { ScoreModels } from './score-models.js';
import { ScoringStageHost } from './scoring.stage.js';

@Module({
  controllers: [ScoringStageHost, ProfilesController, ProfilesGrpcController],
  providers: [...serviceProviders('scoring'), ScoreModels, Profiles, HistoryMonths],
})
export class ScoringModule {}

export const scoringService: ServiceApp = {
  name: 'scoring',
  module: ScoringModule,
  http: { variable: 'SCORING_PORT', port: 3004 },
  grpc: { variable: 'SCORING_GRPC_PORT', port: 50054, package: 'tributary.scoring.v1', proto: 'scoring.proto' },
};
