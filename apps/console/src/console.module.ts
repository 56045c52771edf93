import { type DynamicModule, Module, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ProblemFilter } from '@tributary/service/problem-filter';
import { toProblem } from '@tributary/service/validation';
import type { FastifyInstance } from 'fastify';
import { ApiRoutes } from './api-routes.js';
import { ConsoleConfig } from './console.config.js';
import { Credentials } from './credentials.js';
import { FORWARD_LIMITS, type ForwardLimits } from './forward-request.js';
import { HealthController } from './health.controller.js';
import { LiveController } from './live.controller.js';
import { LiveHub } from './live-hub.js';
import type { LiveSource } from './live-source.js';
import { LoginLimit } from './login-limit.js';
import { BUILT_PAGES, pageRoutes } from './page-routes.js';
import { RequestGuard } from './request-guard.js';
import { SessionController } from './session.controller.js';
import { SessionCookie } from './session-cookie.js';
import { Sessions } from './sessions.js';
import { StatusController } from './status.controller.js';

@Module({})
export class ConsoleModule {
  static with({ config, source, limits = FORWARD_LIMITS }: ConsoleParts): DynamicModule {
    return {
      module: ConsoleModule,
      controllers: [SessionController, LiveController, StatusController, HealthController],
      providers: [
        { provide: ConsoleConfig, useValue: config },
        { provide: LiveHub, useValue: new LiveHub(source) },
        { provide: Credentials, useValue: new Credentials(config) },
        { provide: Sessions, useValue: new Sessions(config) },
        { provide: SessionCookie, useValue: new SessionCookie(config.CONSOLE_URL?.startsWith('https:') ?? false) },
        { provide: LoginLimit, useValue: new LoginLimit() },
        RequestGuard,
        { provide: ApiRoutes, useFactory: (credentials: Credentials) => new ApiRoutes(config, credentials, limits), inject: [Credentials] },
      ],
    };
  }
}

export interface ConsoleParts {
  readonly config: ConsoleConfig;
  readonly source: LiveSource;
  /** Where the built pages are; left out: where `npm run build` puts them. */
  readonly pagesDir?: string;
  /** Of requests to the services; left out: those of the product. */
  readonly limits?: ForwardLimits;
}

/** The console's own endpoints take a login and little else; what is forwarded has limits of its own. */
const OWN_BODY_BYTES_MAX = 16_384;
/** For a whole request with its body, uploads included. */
const REQUEST_MS_MAX = 300_000;

/** The console's backend, ready to listen. */
export async function createConsole(parts: ConsoleParts): Promise<NestFastifyApplication> {
  const { config, pagesDir = BUILT_PAGES } = parts;
  const adapter = new FastifyAdapter({
    bodyLimit: OWN_BODY_BYTES_MAX,
    requestTimeout: REQUEST_MS_MAX,
    trustProxy: (_address: string, hop: number) => hop < config.CONSOLE_TRUSTED_PROXIES,
  });
  const app = await NestFactory.create<NestFastifyApplication>(ConsoleModule.with(parts), adapter, { logger: ['error', 'warn'], forceCloseConnections: true });
  app.useGlobalFilters(new ProblemFilter());
  app.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true, exceptionFactory: toProblem }));
  const fastify = adapter.getInstance() as unknown as FastifyInstance;
  fastify.addHook('onRequest', app.get(RequestGuard).check);
  await fastify.register(app.get(ApiRoutes).register);
  await fastify.register(pageRoutes(pagesDir));
  return app;
}
