// What the load is made of: 100 segments, people with Zipf-distributed activity, duplicates and late events.

export interface Workload {
  readonly profiles: number;
  readonly segments: number;
  /** Share of events that repeat the event before. */
  readonly duplicates: number;
  /** Share of events whose timestamp is up to ten minutes old. */
  readonly late: number;
  readonly seed: number;
}

export const STANDARD: Workload = { profiles: 100_000, segments: 100, duplicates: 0.01, late: 0.01, seed: 1 };

const NAMES = ['Product Viewed', 'Product Added', 'Checkout Started', 'Order Completed', 'Signed In', 'Article Read', 'Video Played', 'Coupon Used', 'Search Performed', 'Item Shared'] as const;

/** A fast seeded generator: the same load in every run. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * What shops define: repeated interest, spending, an abandoned step, with a trait, with a property; windows from half an
 * hour to a month, and every twentieth one of ten seconds, so that exits by time alone are measured too. They are as
 * selective as segments are: at the standard load about one event in three changes a membership (the bench prints it).
 */
export function segmentsOf(workload: Workload): object[] {
  const windows = ['30m', '2h', '1d', '3d', '7d', '14d', '21d', '30d'];
  return Array.from({ length: workload.segments }, (_, index) => {
    const name = NAMES[index % NAMES.length];
    const kind = Math.floor(index / NAMES.length);
    const within = index % 20 === 7 ? '10s' : windows[(index * 3 + kind) % windows.length];
    const often = { performed: name, within, count: { op: 'gte', value: 3 + 2 * (kind % 4) } };
    const rules = [
      often,
      { performed: name, within, where: [{ property: 'price', op: 'gte', value: 112 + (index % 7) }] },
      { and: [{ performed: name, within, count: { op: 'gte', value: 2 } }, { trait: 'plan', op: 'equals', value: kind % 2 === 0 ? 'pro' : 'free' }] },
      { performed: name, within, aggregate: { fn: 'sum', property: 'price' }, op: 'gt', value: 150 * (1 + (index % 6)) },
      kind === 4 ? { and: [{ performed: name, within: '1h', where: [{ property: 'price', op: 'gte', value: 100 }] }, { not: { performed: NAMES[(index + 3) % NAMES.length], within: '1h' } }] } : often,
    ];
    return { key: `bench-${index}`, name: `Bench ${index}`, rule: rules[kind % rules.length] };
  });
}

export interface LoadEvent {
  readonly key: string;
  readonly message: { readonly messageId: string; readonly [field: string]: unknown };
}

/** The identify calls that make the people. */
export function identifyOf(user: number, nowMs: number): LoadEvent {
  return {
    key: `u${user}`,
    message: { type: 'identify', messageId: `i-${user}`, userId: `u${user}`, timestamp: new Date(nowMs).toISOString(), traits: { plan: user % 3 === 0 ? 'pro' : 'free', country: ['DE', 'US', 'JP'][user % 3] } },
  };
}

/** Events one after the other; `run` keeps message ids of several runs apart. */
export class EventSource {
  readonly #random: () => number;
  readonly #workload: Workload;
  readonly #run: string;
  #count = 0;
  #last: LoadEvent | undefined;
  /** Ids made, duplicates counted once. */
  made = 0;

  constructor(workload: Workload, run: string) {
    this.#workload = workload;
    this.#run = run;
    this.#random = randomOf(workload.seed + run.length * 7919 + Number.parseInt(run.replace(/\D/g, '') || '0', 10));
  }

  /** @param intendedMs when the event should be sent: carried in its id, so that latency is taken from there */
  next(intendedMs: number): LoadEvent {
    const random = this.#random;
    if (this.#last !== undefined && random() < this.#workload.duplicates) return this.#last;
    const user = zipf(random(), this.#workload.profiles);
    const isLate = random() < this.#workload.late;
    const timestampMs = isLate ? intendedMs - Math.floor(random() * 600_000) : intendedMs;
    const name = NAMES[Math.floor(random() * NAMES.length)];
    this.made++;
    this.#last = {
      key: `u${user}`,
      message: {
        type: 'track', event: name, messageId: `${this.#run}-${this.#count++}-${intendedMs.toFixed(1)}`, userId: `u${user}`,
        timestamp: new Date(timestampMs).toISOString(),
        properties: { price: Math.floor(random() * 12_000) / 100, product_id: `sku-${Math.floor(random() * 5_000)}`, category: 'home and garden', currency: 'EUR', position: Math.floor(random() * 40) },
        context: { library: { name: 'bench', version: '1.0.0' }, page: { path: '/products/detail', referrer: 'https://shop.example/', title: 'A product of the shop' } },
      },
    };
    return this.#last;
  }
}

/** The intended instant that a message id carries. */
export function intendedMsOf(messageId: string): number | null {
  const part = /^r\d+-\d+-([\d.]+)$/.exec(messageId)?.[1];
  return part === undefined ? null : Number(part);
}

/** Rank by a bounded Zipf-like law (exponent 1): the inverse of its continuous distribution. */
function zipf(uniform: number, people: number): number {
  return Math.min(people - 1, Math.floor((people + 1) ** uniform) - 1);
}
