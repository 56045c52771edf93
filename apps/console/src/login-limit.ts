export const LOGIN_FAILURES_MAX = 8;
export const LOGIN_WINDOW_MS = 15 * 60_000;
const ADDRESSES_MAX = 10_000;

/**
 * Slows down guessing: after 8 failed logins from one address within 15 minutes it has to wait until the first of
 * them is 15 minutes old. An address that succeeds starts anew.
 */
export class LoginLimit {
  readonly #failures = new Map<string, number[]>();

  /** How long this address has to wait, ms; 0 when it may try. */
  waitMs(address: string, nowMs: number): number {
    const recent = this.#recent(address, nowMs);
    const oldest = recent[0];
    return oldest === undefined || recent.length < LOGIN_FAILURES_MAX ? 0 : oldest + LOGIN_WINDOW_MS - nowMs;
  }

  failed(address: string, nowMs: number): void {
    const recent = this.#recent(address, nowMs);
    recent.push(nowMs);
    // Re-inserted, so that the map is in the order of the last failure and the longest quiet address goes first.
    this.#failures.delete(address);
    this.#failures.set(address, recent);
    const oldest = this.#failures.keys().next().value;
    if (this.#failures.size > ADDRESSES_MAX && oldest !== undefined) this.#failures.delete(oldest);
  }

  succeeded(address: string): void {
    this.#failures.delete(address);
  }

  #recent(address: string, nowMs: number): number[] {
    return (this.#failures.get(address) ?? []).filter((atMs) => atMs > nowMs - LOGIN_WINDOW_MS);
  }
}
