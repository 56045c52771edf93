import { setTimeout as sleep } from 'node:timers/promises';

/** Where a line has its time from. The simulation brings one of its own. */
export interface Clock {
  /** Epoch ms. */
  nowMs(): number;
  /** Ms since some instant, with fractions; never goes back. */
  monotonicMs(): number;
  /** Resolves after so many ms, or as soon as the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Calls once, after so many ms. Answers what takes that back. */
  after(ms: number, call: () => void): () => void;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined),
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
};
