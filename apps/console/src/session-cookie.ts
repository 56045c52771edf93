import { SESSION_MS } from './sessions.js';

/**
 * The session cookie: out of reach of scripts, sent by this site's own pages alone. Behind https it is also bound to
 * this host and to secure connections (`__Host-`).
 */
export class SessionCookie {
  readonly #name: string;
  readonly #attributes: string;

  constructor(isSecure: boolean) {
    this.#name = isSecure ? '__Host-tributary_session' : 'tributary_session';
    this.#attributes = `Path=/; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`;
  }

  /** `Set-Cookie` for a session. */
  set(value: string): string {
    return `${this.#name}=${value}; Max-Age=${SESSION_MS / 1_000}; ${this.#attributes}`;
  }

  /** `Set-Cookie` that takes it away. */
  clear(): string {
    return `${this.#name}=; Max-Age=0; ${this.#attributes}`;
  }

  /** From the `Cookie` header. */
  read(header: string | undefined): string | undefined {
    for (const pair of header?.split(';') ?? []) {
      const equals = pair.indexOf('=');
      if (equals > 0 && pair.slice(0, equals).trim() === this.#name) return pair.slice(equals + 1).trim();
    }
    return undefined;
  }
}
