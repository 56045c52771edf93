import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { RateLimit } from './rate-limit.js';

/** How fast one address may ask at doors that need no key. */
@Injectable()
export class AddressLimit extends RateLimit {}

/** For doors that need no key. Behind a proxy all people have its address, unless TRUSTED_PROXIES names it. */
@Injectable()
export class AddressLimitGuard implements CanActivate {
  constructor(private readonly limit: AddressLimit) {}

  /** @throws Problem 429 */
  canActivate(context: ExecutionContext): boolean {
    this.limit.take(context.switchToHttp().getRequest<FastifyRequest>().ip);
    return true;
  }
}
