import { Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { ServiceApp } from '@tributary/service/boot';
import { readConfig } from '@tributary/service/config';
import { KeyDirectory } from '@tributary/service/key-directory';
import { RateLimit } from '@tributary/service/rate-limit';
import { ServiceLog } from '@tributary/service/service-log';
import { ServicePool } from '@tributary/service/service-pool';
import { serviceProviders } from '@tributary/service/service-providers';
import type { FastifyInstance } from 'fastify';
import { installCollectorBody } from './collector/collector-body.js';
import { CollectorController } from './collector/collector.controller.js';
import { Collector } from './collector/collector.js';
import { InletQueue } from './collector/inlet-queue.js';
import { IngestionConfig } from './ingestion.config.js';
import { IngestionStageHost } from './ingestion.stage.js';
import { SeenKeeper } from './keep-seen.postgres.js';
import { SourceStore } from './sources/source-store.postgres.js';
import { SourcesController } from './sources/sources.controller.js';
import { WorkspacesController } from './sources/workspaces.controller.js';

function limitOf({ WRITE_KEY_EVENTS_PER_SECOND: perSecond }: IngestionConfig): RateLimit {
  return new RateLimit({ perSecond, burst: 2 * perSecond });
}

@Module({
  controllers: [IngestionStageHost, CollectorController, WorkspacesController, SourcesController],
  providers: [
    ...serviceProviders('ingestion'),
    { provide: IngestionConfig, useFactory: () => readConfig(IngestionConfig) },
    { provide: SourceStore, useFactory: ({ pool }: ServicePool) => new SourceStore(pool), inject: [ServicePool] },
    { provide: SeenKeeper, useFactory: ({ pool }: ServicePool, config: IngestionConfig) => new SeenKeeper(pool, config.SEEN_DAYS), inject: [ServicePool, IngestionConfig] },
    {
      provide: Collector,
      useFactory: (keys: KeyDirectory, { log }: ServiceLog, config: IngestionConfig) =>
        new Collector({ keys, queue: new InletQueue(() => log.producer()), limit: limitOf(config), secret: config.TRIBUTARY_SECRET }),
      inject: [KeyDirectory, ServiceLog, IngestionConfig],
    },
  ],
})
export class IngestionModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(host: HttpAdapterHost, private readonly seen: SeenKeeper) {
    // Before the routes are made: hooks reach only what comes after them.
    installCollectorBody(host.httpAdapter.getInstance<FastifyInstance>());
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.seen.start();
  }

  onApplicationShutdown(): void {
    this.seen.stop();
  }
}

export const ingestionService: ServiceApp = {
  name: 'ingestion',
  module: IngestionModule,
  http: { variable: 'INGESTION_PORT', port: 3001 },
};
