import { Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { ServiceApp } from '@tributary/service/boot';
import { ServicePool } from '@tributary/service/service-pool';
import { serviceProviders } from '@tributary/service/service-providers';
import { CleansingStageHost } from './cleansing.stage.js';
import { QualityController } from './quality.controller.js';
import { QualityCounts } from './quality-counts.postgres.js';
import { Quarantine } from './quarantine.postgres.js';
import { Upkeep } from './upkeep.js';

@Module({
  controllers: [CleansingStageHost, QualityController],
  providers: [
    ...serviceProviders('cleansing'),
    { provide: QualityCounts, useFactory: ({ pool }: ServicePool) => new QualityCounts(pool), inject: [ServicePool] },
    { provide: Quarantine, useFactory: ({ pool }: ServicePool) => new Quarantine(pool), inject: [ServicePool] },
    { provide: Upkeep, useFactory: (counts: QualityCounts, quarantine: Quarantine) => new Upkeep(counts, quarantine), inject: [QualityCounts, Quarantine] },
  ],
})
export class CleansingModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(private readonly upkeep: Upkeep) {}

  onApplicationBootstrap(): void {
    this.upkeep.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.upkeep.stop();
  }
}

/** Makes data right, or sets it aside with a reason. */
export const cleansingService: ServiceApp = {
  name: 'cleansing',
  module: CleansingModule,
  http: { variable: 'CLEANSING_PORT', port: 3003 },
};
