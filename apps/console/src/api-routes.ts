import { notFound, Problem } from '@tributary/service/problem';
import { sendProblem } from '@tributary/service/problem-filter';
import { log } from '@tributary/service/log';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ConsoleConfig } from './console.config.js';
import type { Credentials } from './credentials.js';
import { type ForwardLimits, forwardRequest } from './forward-request.js';
import { addressOf, isService } from './service-directory.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** `/api/<service>/v1/…` is the public API of that service, under the console's own key. Nothing else of a service is in reach. */
export class ApiRoutes {
  constructor(
    private readonly config: ConsoleConfig,
    private readonly credentials: Credentials,
    private readonly limits: ForwardLimits,
  ) {}

  /** A Fastify plugin: in its own scope, where bodies are passed on unread. */
  readonly register = async (scope: FastifyInstance): Promise<void> => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    scope.setErrorHandler((error, _request, reply) => sendProblem(reply, problemOf(error)));
    scope.route<{ Params: { service: string } }>({
      method: [...METHODS],
      url: '/api/:service/v1/*',
      handler: (request, reply) => this.#forward(request.params.service, request, reply),
    });
  };

  async #forward(service: string, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    if (!isService(service)) throw notFound('service');
    const credentials = await this.credentials.current();
    if (credentials === null) throw new Problem(503, 'no_workspace', 'No workspace has been made yet. Try again in a moment.', [], 2);
    const address = addressOf(service, this.config) + request.url.slice(`/api/${service}`.length);
    const url = new URL(address);
    // A path that reads differently once resolved (`..`, backslashes, control characters) could lead elsewhere.
    if (url.href !== address || !request.url.startsWith(`/api/${service}/v1/`)) throw new Problem(400, 'malformed_path', 'Percent-encode the parts of the address; "." and ".." are no parts.');
    return forwardRequest(request, reply, url, credentials.adminKey, this.limits);
  }
}

function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  log.error({ err: error }, 'a request could not be passed on for a reason that nobody foresaw');
  return new Problem(500, 'internal', 'Something failed in the console; the request can be tried again.');
}
