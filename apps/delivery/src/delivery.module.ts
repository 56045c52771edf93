import { type BeforeApplicationShutdown, Injectable, Module, type OnApplicationBootstrap, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { AddressLimit } from '@tributary/service/address-limit-guard';
import type { ServiceApp } from '@tributary/service/boot';
import { readConfig } from '@tributary/service/config';
import { InletWriter } from '@tributary/service/inlet-writer';
import { ProfileDirectory } from '@tributary/service/profile-directory';
import { ServiceLog } from '@tributary/service/service-log';
import { ServicePool } from '@tributary/service/service-pool';
import { serviceProviders } from '@tributary/service/service-providers';
import type { FastifyInstance } from 'fastify';
import { AutomationCache } from './automations/automation-cache.postgres.js';
import { AutomationsController } from './automations/automations.controller.js';
import { AutomationStore } from './automations/automations.postgres.js';
import { ChangesStage } from './decide-changes.js';
import { Definitions } from './definitions.postgres.js';
import { DeliveryConfig } from './delivery.config.js';
import { DeliveryParts } from './delivery-parts.js';
import { DeliveryStage } from './delivery.stage.js';
import { SendLoop } from './sends/send-loop.js';
import { SendsController } from './sends/sends.controller.js';
import { SentMessages } from './sends/sent-messages.postgres.js';
import { endMjmlThread } from './templates/compile-mjml.js';
import { PreviewMaker } from './templates/preview-maker.js';
import { TemplatesController } from './templates/templates.controller.js';
import { TemplateStore } from './templates/templates.postgres.js';
import { LinkTokens } from './tracking/link-token.js';
import { TrackingController } from './tracking/tracking.controller.js';
import { TrackingEvents } from './tracking/tracking-events.js';
import { UnsubscribeController } from './tracking/unsubscribe.controller.js';

const FORM_BYTES_MAX = 16_384;

/** Starts sending when the application stands, and ends it when the application does. */
@Injectable()
class DeliveryLife implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  constructor(
    private readonly parts: DeliveryParts,
    private readonly definitions: Definitions,
    private readonly http: HttpAdapterHost,
  ) {}

  /** RFC 8058 lets mail programs unsubscribe with multipart forms too; nothing in them matters. */
  onModuleInit(): void {
    const fastify = this.http.httpAdapter.getInstance<FastifyInstance>();
    fastify.addContentTypeParser('multipart/form-data', { parseAs: 'buffer', bodyLimit: FORM_BYTES_MAX }, (_request, _body, done) => done(null, {}));
  }

  onApplicationBootstrap(): void {
    this.parts.start();
  }

  /** Before the pool closes. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.parts.stop();
  }

  async onApplicationShutdown(): Promise<void> {
    endMjmlThread();
    await this.definitions.close();
  }
}

@Module({
  controllers: [DeliveryStage, TemplatesController, AutomationsController, SendsController, TrackingController, UnsubscribeController],
  providers: [
    DeliveryLife,
    ...serviceProviders('delivery'),
    { provide: DeliveryConfig, useFactory: () => readConfig(DeliveryConfig) },
    { provide: Definitions, useFactory: ({ DATABASE_URL }: DeliveryConfig) => Definitions.open(DATABASE_URL), inject: [DeliveryConfig] },
    { provide: TemplateStore, useFactory: ({ templates }: Definitions) => templates, inject: [Definitions] },
    { provide: AutomationStore, useFactory: ({ automations }: Definitions) => automations, inject: [Definitions] },
    {
      provide: DeliveryParts,
      useFactory: async (config: DeliveryConfig, { pool }: ServicePool, templates: TemplateStore, { log }: ServiceLog, inlet: InletWriter) =>
        new DeliveryParts({ config, pool, templates, producer: await log.producer(), inlet }),
      inject: [DeliveryConfig, ServicePool, TemplateStore, ServiceLog, InletWriter],
    },
    { provide: SendLoop, useFactory: ({ sendLoop }: DeliveryParts) => sendLoop, inject: [DeliveryParts] },
    { provide: SentMessages, useFactory: ({ sentMessages }: DeliveryParts) => sentMessages, inject: [DeliveryParts] },
    { provide: TrackingEvents, useFactory: ({ tracking }: DeliveryParts) => tracking, inject: [DeliveryParts] },
    { provide: LinkTokens, useFactory: ({ tokens }: DeliveryParts) => tokens, inject: [DeliveryParts] },
    // Image proxies and scanners of mail providers come for many people from few addresses: the limit is wide.
    { provide: AddressLimit, useFactory: ({ TRACKING_REQUESTS_PER_SECOND: perSecond }: DeliveryConfig) => new AddressLimit({ perSecond, burst: 2 * perSecond }), inject: [DeliveryConfig] },
    {
      provide: ChangesStage,
      useFactory: ({ pool }: ServicePool, sender: SendLoop) => new ChangesStage(new AutomationCache(pool), () => sender.wake()),
      inject: [ServicePool, SendLoop],
    },
    {
      provide: PreviewMaker,
      useFactory: (profiles: ProfileDirectory, { recipients, links }: DeliveryParts) => new PreviewMaker(profiles, recipients, links),
      inject: [ProfileDirectory, DeliveryParts],
    },
  ],
})
export class DeliveryModule {}

export const deliveryService: ServiceApp = { name: 'delivery', module: DeliveryModule, http: { variable: 'DELIVERY_PORT', port: 3006 } };
