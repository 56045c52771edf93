import { Injectable } from '@nestjs/common';
import { Problem } from '@tributary/service/problem';
import { sendProblem } from '@tributary/service/problem-filter';
import { equalSecrets } from '@tributary/service/secrets';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ConsoleConfig } from './console.config.js';
import { SessionCookie } from './session-cookie.js';
import { Sessions, type Session } from './sessions.js';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Pages load nothing from elsewhere, run no inline script and are shown in no frame. */
const PAGE_POLICY = [
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "font-src 'self'", "connect-src 'self'", "manifest-src 'self'",
  "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'",
].join('; ');

/** What a service answers is data: opened as a page of its own it can do nothing. */
const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox";

const sessions = new WeakMap<FastifyRequest, Session>();

/** Who asks; there is always a session behind `RequestGuard`, except at the login itself. */
export function sessionOf(request: FastifyRequest): Session {
  const session = sessions.get(request);
  if (session === undefined) throw loginNeeded();
  return session;
}

/**
 * Looks at every request before its body is read, and before it is known whether anything is at its address: `/api`
 * is for who is logged in, unsafe methods are for pages of this site that show the session's CSRF token.
 */
@Injectable()
export class RequestGuard {
  readonly #ownOrigin: string | null;

  constructor(
    private readonly sessions: Sessions,
    private readonly cookie: SessionCookie,
    config: ConsoleConfig,
  ) {
    this.#ownOrigin = config.CONSOLE_URL === undefined ? null : new URL(config.CONSOLE_URL).origin;
  }

  /** A Fastify `onRequest` hook. */
  readonly check = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const path = request.url.split('?', 1)[0] as string;
    // The router also finds `/%61pi/…`, so what it found counts as much as what was written.
    const isApi = isUnderApi(path) || isUnderApi(request.routeOptions.url ?? '');
    this.#setHeaders(reply, isApi);
    const problem = this.#problemOf(request, path, isApi);
    if (problem === null) return undefined;
    sendProblem(reply, problem);
    return reply;
  };

  #problemOf(request: FastifyRequest, path: string, isApi: boolean): Problem | null {
    const isUnsafe = !SAFE_METHODS.has(request.method);
    const session = this.sessions.read(this.cookie.read(request.headers.cookie), Date.now());
    if (session !== null) sessions.set(request, session);
    const isLogin = path === '/api/session' && request.method === 'POST';
    if (isApi && session === null && !isLogin) return loginNeeded();
    if (isUnsafe && !this.#isFromOwnPage(request)) {
      return new Problem(403, 'cross_site', 'Requests that change something are taken from the pages of this console only.');
    }
    if (isUnsafe && !isLogin && session !== null && !this.#hasToken(request, session)) {
      return new Problem(403, 'csrf_token', 'Send the csrfToken that GET /api/session answers in the header X-CSRF-Token.');
    }
    return null;
  }

  /** Browsers say where a request comes from; who is no browser says nothing and has no cookie to misuse. */
  #isFromOwnPage(request: FastifyRequest): boolean {
    const site = request.headers['sec-fetch-site'];
    if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
    const { origin, host } = request.headers;
    if (origin === undefined) return true;
    return origin === this.#ownOrigin || hostOf(origin) === host;
  }

  #hasToken(request: FastifyRequest, session: Session): boolean {
    const token = request.headers['x-csrf-token'];
    return typeof token === 'string' && equalSecrets(token, this.sessions.csrfToken(session));
  }

  #setHeaders(reply: FastifyReply, isApi: boolean): void {
    void reply.headers({
      'content-security-policy': isApi ? DATA_POLICY : PAGE_POLICY,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=()',
      ...(isApi ? { 'cache-control': 'no-store' } : {}),
      ...(this.#ownOrigin?.startsWith('https:') ? { 'strict-transport-security': 'max-age=31536000' } : {}),
    });
  }
}

function loginNeeded(): Problem {
  return new Problem(401, 'login_needed', 'Log in to the console first: POST /api/session with email and password.');
}

export function isUnderApi(path: string): boolean {
  return path === '/api' || path.startsWith('/api/');
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}
