import type { Metadata } from '@grpc/grpc-js';
import { type CanActivate, createParamDecorator, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { KeyDirectory } from './key-directory.js';
import { unauthorized } from './problem.js';
import { RateLimit } from './rate-limit.js';

const workspaces = new WeakMap<object, string>();

/** How fast one admin key may ask over HTTP. */
@Injectable()
export class AdminKeyLimit extends RateLimit {}

/** Lets through who shows a workspace's admin key, over HTTP or gRPC; `@Workspace()` then names that workspace. */
@Injectable()
export class AdminKeyGuard implements CanActivate {
  constructor(private readonly keys: KeyDirectory, private readonly limit: AdminKeyLimit) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const owner = await this.keys.find(bearerOf(context), 'admin');
    if (owner === null) throw unauthorized();
    if (context.getType() === 'http') this.limit.take(owner.workspace);
    setWorkspace(context, owner.workspace);
    return true;
  }
}

/** For guards that know the workspace by other means than an admin key: what `@Workspace()` answers from now on. */
export function setWorkspace(context: ExecutionContext, workspace: string): void {
  workspaces.set(carrierOf(context), workspace);
}

/** The workspace whose admin key came with the request. */
export const Workspace = createParamDecorator((_: unknown, context: ExecutionContext): string => {
  const workspace = workspaces.get(carrierOf(context));
  if (workspace === undefined) throw unauthorized();
  return workspace;
});

/** The token of `Authorization: Bearer …`. @throws Problem 401 */
export function bearerOf(context: ExecutionContext): string {
  const header =
    context.getType() === 'rpc'
      ? context.switchToRpc().getContext<Metadata>().get('authorization')[0]?.toString()
      : context.switchToHttp().getRequest<FastifyRequest>().headers.authorization;
  const match = /^Bearer (\S{1,256})$/i.exec(header ?? '');
  if (match === null) throw unauthorized();
  return match[1] as string;
}

function carrierOf(context: ExecutionContext): object {
  return context.getType() === 'rpc' ? context.switchToRpc().getContext<Metadata>() : context.switchToHttp().getRequest<FastifyRequest>();
}
