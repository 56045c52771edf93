import { Problem } from './problem.js';

export interface Rate {
  /** What may be taken steadily; 0: without limit. */
  readonly perSecond: number;
  /** What may be taken at once after a rest. */
  readonly burst: number;
}

interface Bucket {
  tokens: number;
  /** When it held them, epoch ms. */
  atMs: number;
}

const BUCKETS_MAX = 10_000;

/**
 * A token bucket for each caller, in this process: what is taken comes back at a steady rate, up to the burst. Libraries
 * for this count requests in fixed windows; here events count, and `Retry-After` is the moment at which it would work.
 */
export class RateLimit {
  /** In the order of last use. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(private readonly rate: Rate, private readonly now: () => number = Date.now) {}

  /**
   * @param caller names the bucket; no secret
   * @param cost what is taken; one request never costs more than the burst, or it could never be made
   * @throws Problem 429
   */
  take(caller: string, cost = 1): void {
    const { perSecond, burst } = this.rate;
    if (perSecond === 0) return;
    const price = Math.min(cost, burst);
    const bucket = this.#fill(caller);
    if (bucket.tokens < price) throw tooMany((price - bucket.tokens) / perSecond);
    bucket.tokens -= price;
  }

  #fill(caller: string): Bucket {
    const { perSecond, burst } = this.rate;
    const nowMs = this.now();
    const bucket = this.#buckets.get(caller) ?? { tokens: burst, atMs: nowMs };
    bucket.tokens = Math.min(burst, bucket.tokens + (Math.max(0, nowMs - bucket.atMs) * perSecond) / 1_000);
    bucket.atMs = nowMs;
    this.#buckets.delete(caller);
    this.#buckets.set(caller, bucket);
    if (this.#buckets.size > BUCKETS_MAX) this.#buckets.delete(this.#buckets.keys().next().value as string);
    return bucket;
  }
}

function tooMany(seconds: number): Problem {
  return new Problem(429, 'too_many_requests', 'More comes in from you than this door takes. Wait as long as Retry-After says, then go on more slowly.', [], Math.max(1, Math.ceil(seconds)));
}
