import { Body, Controller, Delete, Get, HttpCode, Post, Req, Res } from '@nestjs/common';
import { log } from '@tributary/service/log';
import { Problem } from '@tributary/service/problem';
import { IsString, MaxLength } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Credentials } from './credentials.js';
import { LoginLimit } from './login-limit.js';
import { sessionOf } from './request-guard.js';
import { SessionCookie } from './session-cookie.js';
import { Sessions, type Session } from './sessions.js';

export class LoginBody {
  @IsString() @MaxLength(320) email: string;
  @IsString() @MaxLength(1_024) password: string;
}

/** What a page knows about who uses it. */
export interface SessionAnswer {
  readonly email: string;
  /** Goes into the header X-CSRF-Token of every request that changes something. */
  readonly csrfToken: string;
  readonly expiresAt: string;
  /** Null until a workspace has been made. */
  readonly workspace: string | null;
}

@Controller('api/session')
export class SessionController {
  constructor(
    private readonly sessions: Sessions,
    private readonly cookie: SessionCookie,
    private readonly limit: LoginLimit,
    private readonly credentials: Credentials,
  ) {}

  @Post()
  async login(@Body() body: LoginBody, @Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<SessionAnswer> {
    const nowMs = Date.now();
    const waitMs = this.limit.waitMs(request.ip, nowMs);
    if (waitMs > 0) {
      const minutes = Math.ceil(waitMs / 60_000);
      throw new Problem(429, 'too_many_logins', `Too many failed logins from here. Try again in ${minutes} min.`, [], Math.ceil(waitMs / 1_000));
    }
    if (!this.sessions.accepts(body.email, body.password)) {
      this.limit.failed(request.ip, nowMs);
      log.warn('a login to the console failed');
      throw new Problem(401, 'wrong_login', 'This e-mail address and password do not belong together.');
    }
    this.limit.succeeded(request.ip);
    const session = this.sessions.open(nowMs);
    void reply.header('set-cookie', this.cookie.set(this.sessions.seal(session)));
    return this.#answer(session);
  }

  @Get()
  async current(@Req() request: FastifyRequest): Promise<SessionAnswer> {
    return this.#answer(sessionOf(request));
  }

  @Delete()
  @HttpCode(204)
  logout(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): void {
    this.sessions.close(sessionOf(request), Date.now());
    void reply.header('set-cookie', this.cookie.clear());
  }

  async #answer(session: Session): Promise<SessionAnswer> {
    const credentials = await this.credentials.current();
    return {
      email: session.email,
      csrfToken: this.sessions.csrfToken(session),
      expiresAt: new Date(session.expiresMs).toISOString(),
      workspace: credentials?.workspace ?? null,
    };
  }
}
