import { Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { ServiceApp } from '@tributary/service/boot';
import { InletWriter } from '@tributary/service/inlet-writer';
import { ProfileDirectory } from '@tributary/service/profile-directory';
import { ServicePool } from '@tributary/service/service-pool';
import { serviceProviders } from '@tributary/service/service-providers';
import { Announcements } from './announcements.postgres.js';
import { ConsentCallsController } from './consent-calls.controller.js';
import { ConsentHistory } from './consent-history.js';
import { ConsentLedger } from './consent-ledger.postgres.js';
import { ConsentStageHost } from './consent.stage.js';
import { ConsentsController } from './consents.controller.js';
import { PurposesController } from './purposes.controller.js';
import { Purposes } from './purposes.postgres.js';
import { RecordConsent } from './record-consent.js';

@Module({
  controllers: [ConsentStageHost, ConsentsController, PurposesController, ConsentCallsController],
  providers: [
    ...serviceProviders('consent'),
    { provide: ConsentLedger, useFactory: ({ pool }: ServicePool) => new ConsentLedger(pool), inject: [ServicePool] },
    { provide: Purposes, useFactory: ({ pool }: ServicePool) => new Purposes(pool), inject: [ServicePool] },
    { provide: Announcements, useFactory: ({ pool }: ServicePool, inlet: InletWriter) => new Announcements(pool, inlet), inject: [ServicePool, InletWriter] },
    {
      provide: RecordConsent,
      useFactory: (directory: ProfileDirectory, ledger: ConsentLedger, announcements: Announcements) => new RecordConsent(directory, ledger, announcements),
      inject: [ProfileDirectory, ConsentLedger, Announcements],
    },
    { provide: ConsentHistory, useFactory: (directory: ProfileDirectory, ledger: ConsentLedger) => new ConsentHistory(directory, ledger), inject: [ProfileDirectory, ConsentLedger] },
  ],
})
export class ConsentModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(private readonly announcements: Announcements) {}

  onApplicationBootstrap(): void {
    this.announcements.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.announcements.stop();
  }
}

/** Lets through only what the person has agreed to. */
export const consentService: ServiceApp = {
  name: 'consent',
  module: ConsentModule,
  http: { variable: 'CONSENT_PORT', port: 3002 },
  grpc: { variable: 'CONSENT_GRPC_PORT', port: 50_052, package: 'tributary.consent.v1', proto: 'consent.proto' },
};
