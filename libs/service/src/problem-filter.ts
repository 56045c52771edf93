import { status as grpcStatus, Metadata } from '@grpc/grpc-js';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import { throwError, type Observable } from 'rxjs';
import type { FastifyReply } from 'fastify';
import { log } from './log.js';
import { Problem } from './problem.js';

const GRPC_BY_STATUS: { readonly [status: number]: grpcStatus } = {
  400: grpcStatus.INVALID_ARGUMENT, 401: grpcStatus.UNAUTHENTICATED, 403: grpcStatus.PERMISSION_DENIED,
  404: grpcStatus.NOT_FOUND, 409: grpcStatus.FAILED_PRECONDITION, 413: grpcStatus.RESOURCE_EXHAUSTED,
  422: grpcStatus.INVALID_ARGUMENT, 429: grpcStatus.RESOURCE_EXHAUSTED, 503: grpcStatus.UNAVAILABLE,
};

const CODE_BY_STATUS: { readonly [status: number]: string } = {
  400: 'malformed', 401: 'unauthorized', 404: 'not_found', 413: 'too_large', 415: 'unsupported_media_type', 429: 'too_many_requests',
};

/** The one place where errors become answers. What nobody foresaw is logged and answered without its details. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): Observable<never> | void {
    const problem = toProblem(error);
    if (host.getType() === 'rpc') {
      const metadata = new Metadata();
      metadata.set('problem-code', problem.code);
      return throwError(() => ({ code: GRPC_BY_STATUS[problem.status] ?? grpcStatus.INTERNAL, details: `${problem.code}: ${problem.detail}`, metadata }));
    }
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    sendProblem(reply, problem);
  }
}

export function sendProblem(reply: FastifyReply, problem: Problem): void {
  if (problem.retryAfterSeconds !== undefined) void reply.header('retry-after', String(problem.retryAfterSeconds));
  void reply
    .status(problem.status)
    .header('content-type', 'application/problem+json')
    .send({
      type: 'about:blank',
      title: problem.code.replaceAll('_', ' '),
      status: problem.status,
      code: problem.code,
      detail: problem.detail,
      ...(problem.errors.length > 0 ? { errors: problem.errors } : {}),
    });
}

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const status = statusOf(error);
  if (status !== undefined && status < 500) {
    return new Problem(status as Problem['status'], CODE_BY_STATUS[status] ?? 'malformed', messageOf(error));
  }
  log.error({ err: error }, 'a request failed for a reason that nobody foresaw');
  return new Problem(500, 'internal', 'Something failed on our side; the request can be tried again.');
}

/** Nest's and Fastify's own errors carry a status in different places. */
function statusOf(error: unknown): number | undefined {
  if (error instanceof HttpException) return error.getStatus();
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' && status >= 400 ? status : undefined;
}

function messageOf(error: unknown): string {
  if (error instanceof HttpException && error.getStatus() === 404) return 'There is nothing at this address; GET /docs lists what there is.';
  return error instanceof Error ? error.message : 'The request could not be read.';
}
