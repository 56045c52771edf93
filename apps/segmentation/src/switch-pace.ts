/** Profiles moved in one batch. */
const PROFILES_MIN = 50;
const PROFILES_MAX = 1_000;
/** How long a batch may take that moves profiles, live entries and commit included: what comes meanwhile waits for it. */
const BATCH_MS = 75;

/** How many profiles a batch moves, so that live entries wait for tens of milliseconds, on any machine under any load. */
export class SwitchPace {
  #profiles = 150;
  #startedMs = -Infinity;

  /** A batch begins; the one before, when it was part of the same move, tells how much is too much. */
  next(nowMs: number): number {
    const tookMs = nowMs - this.#startedMs;
    this.#startedMs = nowMs;
    // A long silence says nothing about work.
    if (tookMs < 20 * BATCH_MS) this.#profiles = Math.min(PROFILES_MAX, Math.max(PROFILES_MIN, Math.round(this.#profiles * Math.min(1.25, Math.max(0.6, BATCH_MS / tookMs)))));
    return this.#profiles;
  }

  /** Nothing is moved any more. */
  rest(): void {
    this.#startedMs = -Infinity;
  }
}
