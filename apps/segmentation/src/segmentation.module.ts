import { Module, type BeforeApplicationShutdown, type OnApplicationBootstrap, type OnModuleInit, type Provider } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { ServiceApp } from '@tributary/service/boot';
import { ServiceConfig } from '@tributary/service/config';
import { InletWriter } from '@tributary/service/inlet-writer';
import { ServiceLog } from '@tributary/service/service-log';
import { ServicePool } from '@tributary/service/service-pool';
import { serviceProviders } from '@tributary/service/service-providers';
import type { FastifyInstance } from 'fastify';
import { ChangeWatch } from './change-watch.js';
import { ContextRenewal } from './context-renewal.js';
import { DefinitionSwitch } from './definition-switch.js';
import { DefinitionsContext } from './definitions-context.postgres.js';
import { DefinitionsStore } from './definitions.postgres.js';
import { EngineDirectory } from './engine-directory.js';
import { Explainer } from './explainer.js';
import { History } from './history.postgres.js';
import { ListChanges } from './list-change.js';
import { ListsController } from './lists.controller.js';
import { ListsStore } from './lists.postgres.js';
import { MembersController } from './members.controller.js';
import { MembersStore } from './members.postgres.js';
import { MembershipController } from './membership.controller.js';
import { ListUploads } from './list-uploads.js';
import { MembershipLookup } from './membership-lookup.js';
import { Preview } from './preview.js';
import { ProfileRecords } from './profile-records.postgres.js';
import { SegmentDefinitions } from './segment-definitions.js';
import { SegmentNudge } from './segment-nudge.js';
import { SegmentationStage } from './segmentation.stage.js';
import { SegmentsController } from './segments.controller.js';
import { SegmentsStore } from './segments.postgres.js';
import { Thresholds } from './thresholds.js';

const providers: Provider[] = [
  { provide: DefinitionsStore, useFactory: ({ pool }: ServicePool) => new DefinitionsStore(pool), inject: [ServicePool] },
  { provide: EngineDirectory, useFactory: (store: DefinitionsStore) => new EngineDirectory(store), inject: [DefinitionsStore] },
  { provide: ProfileRecords, useFactory: ({ keyed }: ServicePool) => new ProfileRecords(keyed), inject: [ServicePool] },
  {
    provide: DefinitionSwitch,
    useFactory: ({ keyed }: ServicePool, { PARTITIONS, TRIBUTARY_SECRET }: ServiceConfig, store: DefinitionsStore, engines: EngineDirectory, records: ProfileRecords) =>
      new DefinitionSwitch({ partitions: PARTITIONS, store, engines, records, history: new History(keyed, new ListChanges(TRIBUTARY_SECRET)), clock: Date.now }),
    inject: [ServicePool, ServiceConfig, DefinitionsStore, EngineDirectory, ProfileRecords],
  },
  { provide: SegmentsStore, useFactory: ({ pool }: ServicePool) => new SegmentsStore(pool, Date.now), inject: [ServicePool] },
  { provide: MembersStore, useFactory: ({ pool }: ServicePool, config: ServiceConfig) => new MembersStore(pool, config.PARTITIONS), inject: [ServicePool, ServiceConfig] },
  { provide: DefinitionsContext, useFactory: ({ pool }: ServicePool) => new DefinitionsContext(pool), inject: [ServicePool] },
  { provide: SegmentDefinitions, useFactory: (store: SegmentsStore, context: DefinitionsContext) => new SegmentDefinitions(store, context, Date.now), inject: [SegmentsStore, DefinitionsContext] },
  {
    provide: Preview,
    useFactory: ({ pool }: ServicePool, segments: SegmentsStore, members: MembersStore, definitions: SegmentDefinitions) => new Preview({ pool, segments, members, definitions }),
    inject: [ServicePool, SegmentsStore, MembersStore, SegmentDefinitions],
  },
  { provide: Thresholds, useFactory: ({ pool }: ServicePool, preview: Preview) => new Thresholds(pool, preview), inject: [ServicePool, Preview] },
  {
    provide: Explainer,
    useFactory: ({ pool }: ServicePool, config: ServiceConfig, store: DefinitionsStore, records: ProfileRecords, members: MembersStore) =>
      new Explainer({ pool, partitions: config.PARTITIONS, store, records, members, history: new History(pool, new ListChanges(config.TRIBUTARY_SECRET)) }),
    inject: [ServicePool, ServiceConfig, DefinitionsStore, ProfileRecords, MembersStore],
  },
  { provide: MembershipLookup, useFactory: ({ keyed }: ServicePool, config: ServiceConfig) => new MembershipLookup(keyed, config.PARTITIONS), inject: [ServicePool, ServiceConfig] },
  { provide: ChangeWatch, useFactory: ({ log }: ServiceLog) => new ChangeWatch(log), inject: [ServiceLog] },
  { provide: SegmentNudge, useFactory: ({ pool }: ServicePool, definitionSwitch: DefinitionSwitch) => new SegmentNudge(pool, definitionSwitch), inject: [ServicePool, DefinitionSwitch] },
  { provide: ContextRenewal, useFactory: (segments: SegmentsStore, nudge: SegmentNudge) => new ContextRenewal(segments, nudge), inject: [SegmentsStore, SegmentNudge] },
  { provide: ListsStore, useFactory: ({ pool }: ServicePool) => new ListsStore(pool, Date.now), inject: [ServicePool] },
  {
    provide: ListUploads,
    useFactory: (lists: ListsStore, segments: SegmentsStore, inlet: InletWriter, config: ServiceConfig) => new ListUploads({ lists, segments, inlet, changes: new ListChanges(config.TRIBUTARY_SECRET), clock: Date.now }),
    inject: [ListsStore, SegmentsStore, InletWriter, ServiceConfig],
  },
];

/** What an upload of a static list may have. */
const CSV_BYTES_MAX = 4 * 1_048_576;

@Module({
  controllers: [SegmentsController, MembersController, ListsController, MembershipController, SegmentationStage],
  providers: [...serviceProviders('segmentation'), ...providers],
})
export class SegmentationModule implements OnModuleInit, BeforeApplicationShutdown, OnApplicationBootstrap {
  constructor(private readonly nudge: SegmentNudge, private readonly renewal: ContextRenewal, private readonly host: HttpAdapterHost) {}

  onModuleInit(): void {
    const fastify = this.host.httpAdapter.getInstance<FastifyInstance>();
    // The text reaches the controller as it is.
    fastify.addContentTypeParser('text/csv', { parseAs: 'string', bodyLimit: CSV_BYTES_MAX }, (_request, text, done) => done(null, text));
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.nudge.listen();
    this.renewal.start();
  }

  /** Before the pool closes, which waits for connections in use. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.renewal.close();
    this.nudge.close();
  }
}

export const segmentationService: ServiceApp = {
  name: 'segmentation',
  module: SegmentationModule,
  http: { variable: 'SEGMENTATION_PORT', port: 3005 },
  grpc: { variable: 'SEGMENTATION_GRPC_PORT', port: 50055, package: 'tributary.segmentation.v1', proto: 'segmentation.proto' },
};
