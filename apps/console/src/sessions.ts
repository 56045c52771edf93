import { randomBytes } from 'node:crypto';
import { equalSecrets, hashKey, sign } from '@tributary/service/secrets';
import type { ConsoleConfig } from './console.config.js';

/** Someone who is logged in, and until when. */
export interface Session {
  readonly id: string;
  readonly email: string;
  readonly expiresMs: number;
}

export const SESSION_MS = 12 * 3_600_000;
const ENDED_MAX = 10_000;
const COOKIE_LENGTH_MAX = 1_024;

/**
 * Sessions live in their cookie, signed, so that every replica knows them and nothing is stored. The signing key
 * contains the password: a new password ends all sessions. A logout is remembered by this process until the session
 * would have ended, at most for 10,000 sessions.
 */
export class Sessions {
  readonly #ended = new Map<string, number>();
  readonly #passwordHash: Buffer;

  constructor(private readonly config: ConsoleConfig) {
    this.#passwordHash = hashKey(config.CONSOLE_PASSWORD);
  }

  /** Whether this is the account; takes the same time whichever part is wrong. */
  accepts(email: string, password: string): boolean {
    const isEmail = equalSecrets(email.trim().toLowerCase(), this.config.CONSOLE_EMAIL.toLowerCase());
    const isPassword = equalSecrets(password, this.config.CONSOLE_PASSWORD);
    return isEmail && isPassword;
  }

  open(nowMs: number): Session {
    return { id: randomBytes(18).toString('base64url'), email: this.config.CONSOLE_EMAIL, expiresMs: nowMs + SESSION_MS };
  }

  /** The value of the cookie. */
  seal(session: Session): string {
    const payload = Buffer.from(JSON.stringify(session)).toString('base64url');
    return `${payload}.${this.#sign('session', payload)}`;
  }

  /** Null for what is forged, expired or logged out. */
  read(cookie: string | undefined, nowMs: number): Session | null {
    if (cookie === undefined || cookie.length > COOKIE_LENGTH_MAX) return null;
    const [payload, signature, ...more] = cookie.split('.');
    if (payload === undefined || signature === undefined || more.length > 0) return null;
    if (!equalSecrets(signature, this.#sign('session', payload))) return null;
    const session = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Session;
    return session.expiresMs > nowMs && !this.#ended.has(session.id) ? session : null;
  }

  close(session: Session, nowMs: number): void {
    for (const [id, expiresMs] of this.#ended) if (expiresMs <= nowMs || this.#ended.size >= ENDED_MAX) this.#ended.delete(id);
    this.#ended.set(session.id, session.expiresMs);
  }

  /** What a page sends back with each unsafe request; another site cannot read it. */
  csrfToken(session: Session): string {
    return this.#sign('csrf', session.id);
  }

  #sign(purpose: 'session' | 'csrf', text: string): string {
    return sign(this.config.TRIBUTARY_SECRET, `console-${purpose}`, this.#passwordHash, text);
  }
}
