import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { RateLimit } from '@tributary/service/rate-limit';
import type { FastifyRequest } from 'fastify';

/**
 * How fast one address may open, click and unsubscribe: nobody needs a key for that. Image proxies and scanners of mail
 * providers come for many people from few addresses, so the limit is wide.
 */
@Injectable()
export class VisitorLimit extends RateLimit implements CanActivate {
  /** @throws Problem 429 */
  canActivate(context: ExecutionContext): boolean {
    this.take(context.switchToHttp().getRequest<FastifyRequest>().ip);
    return true;
  }
}
