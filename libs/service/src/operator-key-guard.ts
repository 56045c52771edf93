import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { bearerOf } from './admin-key-guard.js';
import { ServiceConfig } from './config.js';
import { unauthorized } from './problem.js';
import { equalSecrets } from './secrets.js';

/** Lets through who shows the installation's operator key. */
@Injectable()
export class OperatorKeyGuard implements CanActivate {
  constructor(private readonly config: ServiceConfig) {}

  canActivate(context: ExecutionContext): boolean {
    if (!equalSecrets(bearerOf(context), this.config.OPERATOR_KEY)) throw unauthorized();
    return true;
  }
}
