import type { OnApplicationShutdown, Provider } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import { openLog, type Log } from '@tributary/stream/log';
import { AdminKeyGuard, AdminKeyLimit } from './admin-key-guard.js';
import { CallerGuard } from './caller-guard.js';
import { readConfig, ServiceConfig } from './config.js';
import { InletWriter } from './inlet-writer.js';
import { KeyDirectory } from './key-directory.js';
import { OperatorKeyGuard } from './operator-key-guard.js';
import { ProfileDirectory } from './profile-directory.js';
import { ServiceLog } from './service-log.js';
import { ServicePool } from './service-pool.js';

const CONNECTIONS_MAX = 8;

let processLog: Promise<Log> | undefined;

/** One broker client a process, also when it hosts several services. */
export function openProcessLog(config: ServiceConfig): Promise<Log> {
  return (processLog ??= openLog({ brokers: config.KAFKA_BROKERS, clientId: process.env['SERVICE_NAME'] ?? 'tributary', client: config.KAFKA_CLIENT, prefix: config.TOPIC_PREFIX }));
}

@Injectable()
class ClosePool implements OnApplicationShutdown {
  constructor(private readonly pool: ServicePool) {}

  async onApplicationShutdown(): Promise<void> {
    await this.pool.close();
  }
}

/** What the module of every service provides. */
export function serviceProviders(service: string): Provider[] {
  return [
    { provide: ServiceConfig, useFactory: () => readConfig(ServiceConfig) },
    { provide: ServicePool, useFactory: (config: ServiceConfig) => new ServicePool({ url: config.DATABASE_URL, service, max: CONNECTIONS_MAX }), inject: [ServiceConfig] },
    { provide: ServiceLog, useFactory: async (config: ServiceConfig) => new ServiceLog(await openProcessLog(config)), inject: [ServiceConfig] },
    { provide: KeyDirectory, useFactory: ({ pool }: ServicePool) => new KeyDirectory(pool), inject: [ServicePool] },
    { provide: ProfileDirectory, useFactory: ({ pool }: ServicePool) => new ProfileDirectory(pool), inject: [ServicePool] },
    { provide: InletWriter, useFactory: ({ log }: ServiceLog, config: ServiceConfig) => new InletWriter(log, config.TRIBUTARY_SECRET), inject: [ServiceLog, ServiceConfig] },
    { provide: AdminKeyLimit, useFactory: ({ ADMIN_KEY_REQUESTS_PER_SECOND: perSecond }: ServiceConfig) => new AdminKeyLimit({ perSecond, burst: 2 * perSecond }), inject: [ServiceConfig] },
    AdminKeyGuard,
    CallerGuard,
    OperatorKeyGuard,
    ClosePool,
  ];
}
