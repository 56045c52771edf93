import type { Metadata } from '@grpc/grpc-js';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { bearerOf, setWorkspace } from './admin-key-guard.js';
import { ServiceConfig } from './config.js';
import { isInternalToken, looksInternal } from './internal-token.js';
import { KeyDirectory } from './key-directory.js';
import { unauthorized } from './problem.js';

/**
 * For gRPC: lets through a workspace's admin key, or another of our services with an internal token and the workspace in
 * metadata `workspace`. `@Workspace()` then names the workspace, as behind AdminKeyGuard. Over HTTP admin keys alone count.
 */
@Injectable()
export class CallerGuard implements CanActivate {
  constructor(private readonly keys: KeyDirectory, private readonly config: ServiceConfig) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const token = bearerOf(context);
    const workspace = looksInternal(token) ? this.#named(context, token) : await this.#ofKey(token);
    if (workspace === null) throw unauthorized();
    setWorkspace(context, workspace);
    return true;
  }

  #named(context: ExecutionContext, token: string): string | null {
    if (context.getType() !== 'rpc') return null;
    const workspace = context.switchToRpc().getContext<Metadata>().get('workspace')[0]?.toString() ?? '';
    return workspace !== '' && isInternalToken(token, this.config.TRIBUTARY_SECRET, workspace, Date.now()) ? workspace : null;
  }

  async #ofKey(token: string): Promise<string | null> {
    return (await this.keys.find(token, 'admin'))?.workspace ?? null;
  }
}
