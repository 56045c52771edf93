import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import { notFound } from '@tributary/service/problem';
import { sendProblem } from '@tributary/service/problem-filter';
import type { FastifyInstance } from 'fastify';
import { isUnderApi } from './request-guard.js';

/** Where `vite build` puts the pages, seen from src/ as from dist/. */
export const BUILT_PAGES = join(import.meta.dirname, '..', 'dist', 'web');

const YEAR_MS = 365 * 86_400_000;

/**
 * The pages: files with a hash in their name for ever, the one HTML document for every other address, so that each
 * view of the application has an address that can be opened, reloaded and sent to a colleague.
 */
export function pageRoutes(dir: string): (scope: FastifyInstance) => Promise<void> {
  return async (scope) => {
    await scope.register(fastifyStatic, {
      root: dir,
      wildcard: false,
      index: false,
      decorateReply: false,
      preCompressed: true,
      cacheControl: false,
      setHeaders: (reply, path) => {
        void reply.header('cache-control', path.includes('/assets/') ? `public, max-age=${YEAR_MS / 1_000}, immutable` : 'no-cache');
      },
    });
    scope.get('/*', async (request, reply) => {
      const path = request.url.split('?', 1)[0] as string;
      if (isUnderApi(path) || /\.[a-z0-9]+$/i.test(path)) {
        sendProblem(reply, notFound('page or endpoint'));
        return reply;
      }
      const html = await readFile(join(dir, 'index.html')).catch(() => null);
      if (html === null) return reply.status(503).type('text/plain').send('The pages of the console are not built: run "npm run build".\n');
      return reply.header('cache-control', 'no-cache').type('text/html; charset=utf-8').send(html);
    });
  };
}
