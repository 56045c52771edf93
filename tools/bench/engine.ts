// The rule engine alone, on one core, in memory: events a second as segments multiply, and bytes of state a profile.
// `npm run bench -- segmentation --only engine`, or `node tools/bench/engine.ts [events] [segments,…]` after `npm run build`.
import { performance } from 'node:perf_hooks';
import { compileEngine } from '@tributary/domain/segmentation/engine';

const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 5, 1);
const PROFILES = 1_000;
const HISTORY = 25;
const STEP_MS = 2_000;
/** Measured in pieces of so many events; the median piece counts, so that other work on the machine does not. */
const PIECE = 2_000;
const NAMES = ['Product Viewed', 'page', 'Product Added', 'Checkout Started', 'Order Completed', 'Email Opened', 'Email Link Clicked', 'Product Searched', 'Coupon Applied', 'Signed In', 'App Opened', 'Wishlist Added'];
/** Rule writers ask about some events far more than about others. */
const WEIGHTS = [12, 12, 8, 4, 4, 6, 3, 4, 2, 5, 4, 2];
const COUNTRIES = ['de', 'fr', 'us', 'br', 'in', 'jp', 'es', 'it', 'pl', 'nl'];
const CATEGORIES = Array.from({ length: 40 }, (_, i) => `category-${i}`);
const CITIES = Array.from({ length: 300 }, (_, i) => `city-${i}`);
const PLANS = ['free', 'pro', 'team', 'enterprise'];

/** Numbers from a seed: every run asks the same. */
function seeded(seed: number) {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  return {
    next,
    below: (bound: number) => Math.floor(next() * bound),
    one: <T>(values: readonly T[]): T => values[Math.floor(next() * values.length)]!,
  };
}

type Random = ReturnType<typeof seeded>;

function eventName(random: Random): string {
  let at = random.below(WEIGHTS.reduce((sum, weight) => sum + weight, 0));
  for (let i = 0; ; i += 1) {
    at -= WEIGHTS[i]!;
    if (at < 0) return NAMES[i]!;
  }
}

/** People who write rules use few windows and round numbers: some 500 different conditions, however many segments. */
function leaf(random: Random): object {
  const kind = random.next();
  const within = random.one(['1d', '7d', '30d', '90d']);
  if (kind < 0.4) return { performed: eventName(random), within, count: { op: random.one(['gte', 'gte', 'lt']), value: random.one([1, 2, 3, 5, 10]) } };
  if (kind < 0.6) return { performed: random.one(['Product Viewed', 'Product Added', 'Order Completed']), within: random.one(['7d', '30d']), where: [{ property: 'category', op: 'equals', value: random.one(CATEGORIES) }] };
  if (kind < 0.68) return { performed: 'Order Completed', within, aggregate: { fn: random.one(['sum', 'avg', 'max']), property: 'revenue' }, op: 'gt', value: random.one([50, 100, 250, 500, 1_000, 2_500]) };
  if (kind < 0.83) return { trait: 'country', op: 'in', value: [random.one(COUNTRIES), random.one(COUNTRIES)] };
  if (kind < 0.9) return { trait: 'plan', op: 'equals', value: random.one(PLANS) };
  if (kind < 0.97) return { score: 'engagement', op: random.one(['gt', 'lt']), value: 10 * random.below(10) };
  return { sequence: [{ performed: 'Checkout Started', as: 'a' }, { performed: 'Order Completed', within: random.one(['30m', '1h', '2h']), where: [{ property: 'cart_id', op: 'equals', ref: 'a.cart_id' }], absent: true }], within: random.one(['1d', '7d']) };
}

/** How many segments are about anybody; all others are about the people of one city, as they are where there are many. */
const BROAD_SEGMENTS = 100;

function segment(random: Random, index: number) {
  const leaves = Array.from({ length: 2 + random.below(3) }, () => leaf(random));
  const shape = random.next();
  const rule = shape < 0.7 ? { and: leaves } : shape < 0.9 ? { or: leaves } : { and: [leaves[0], { not: { and: leaves.slice(1) } }] };
  if (index < BROAD_SEGMENTS) return { key: `segment-${index}`, version: 1, rule };
  const city = { trait: 'city', op: 'equals', value: random.one(CITIES) };
  return { key: `segment-${index}`, version: 1, rule: { and: random.next() < 0.5 ? [city, rule] : [rule, city] } };
}

function entry(random: Random, index: number, appendedAtMs: number) {
  const name = eventName(random);
  const body = JSON.stringify({
    properties: { category: random.one(CATEGORIES), revenue: Math.round(random.next() * 20_000) / 100, cart_id: `cart-${random.below(1_000)}`, title: 'An article of some length with words in it', url: 'https://shop.example/articles/an-article-of-some-length', quantity: 1 + random.below(4), currency: 'EUR' },
  });
  return {
    kind: 'event', type: name === 'page' ? 'page' : 'track', name, messageId: `0190b5a2-7c3f-7e11-8a55-${String(index).padStart(12, '0')}`, timestampMs: appendedAtMs - random.below(2_000), appendedAtMs,
    readBody: () => JSON.parse(body),
    // Scores move little from event to event.
    ...(random.next() < 0.2 && { scores: { engagement: 50_000_000 + random.below(2_000_000) } }),
  };
}

function measure(segmentCount: number, events: number) {
  const random = seeded(42);
  const segments = Array.from({ length: segmentCount }, (_, i) => segment(random, i));
  const compileStarted = performance.now();
  const engine = compileEngine({ segments: segments as never, timezone: 'Europe/Berlin', compilePattern: (pattern: string) => (text: string) => text.includes(pattern) });
  const compileMs = performance.now() - compileStarted;
  const people = seeded(7);
  const states = Array.from({ length: PROFILES }, (_, i) => engine.newState(`profile-${i}`));
  let index = 0;
  for (const [i, state] of states.entries()) {
    const traits = { city: people.one(CITIES), country: people.one(COUNTRIES), plan: people.one(PLANS) };
    engine.apply(state, { kind: 'event', type: 'identify', name: '', messageId: `identify-${i}`, timestampMs: START_MS - 40 * DAY_MS, appendedAtMs: START_MS - 40 * DAY_MS, readBody: () => ({ traits }) });
    for (let k = 0; k < HISTORY; k += 1) {
      const made = entry(people, (index += 1), START_MS - 40 * DAY_MS + Math.floor(((k + people.next()) / HISTORY) * 40 * DAY_MS));
      engine.advance(state, made.appendedAtMs);
      engine.apply(state, made as never);
    }
  }
  // An event a profile about every half hour: windows of days fill and empty as they do in life.
  const work = Array.from({ length: events }, (_, i) => ({ state: states[people.below(PROFILES)]!, made: entry(people, (index += 1), START_MS + i * STEP_MS) }));
  const half = Math.floor(events / 2);
  let flips = 0;
  const run = (from: number, to: number) => {
    // Time of this thread's processor, not of the wall.
    const started = process.threadCpuUsage();
    for (let i = from; i < to; i += 1) {
      const { state, made } = work[i]!;
      flips += engine.advance(state, made.appendedAtMs).length;
      flips += engine.apply(state, made as never).length;
    }
    const used = process.threadCpuUsage(started);
    return used.user + used.system;
  };
  run(0, half);
  flips = 0;
  const pieces: number[] = [];
  for (let from = half; from + PIECE <= events; from += PIECE) pieces.push(run(from, from + PIECE) / PIECE);
  const usPerEvent = pieces.sort((a, b) => a - b)[pieces.length >> 1]!;
  const sizes = states.map((state) => engine.encode(state).length).sort((a, b) => a - b);
  const storedStarted = process.threadCpuUsage();
  for (const state of states) engine.decode(engine.encode(state), state.profileId);
  const stored = process.threadCpuUsage(storedStarted);
  const storedUs = (stored.user + stored.system) / PROFILES;
  const members = states.reduce((sum, state) => sum + engine.members(state).size, 0) / PROFILES;
  return { segments: segmentCount, perSecond: Math.round(1e6 / usPerEvent), usPerEvent, bestUs: pieces[0]!, flipsPerEvent: flips / (pieces.length * PIECE), members, p50Bytes: sizes[sizes.length >> 1]!, p99Bytes: sizes[Math.floor(sizes.length * 0.99)]!, storeAndReadUs: storedUs, compileMs };
}

export type EngineFigures = ReturnType<typeof measure>;

/** One after the other, on this thread. */
export function measureEngine(events = 200_000, counts: readonly number[] = [100, 1_000, 10_000, 50_000]): EngineFigures[] {
  return counts.map((count) => measure(count, events));
}

export function printEngine(results: readonly EngineFigures[]): void {
  const base = results[0]!.usPerEvent;
  console.table(results.map((one) => ({
    segments: one.segments, 'events/s': one.perSecond, 'µs/event': one.usPerEvent.toFixed(2), 'best piece': one.bestUs.toFixed(2), 'to 100': (one.usPerEvent / base).toFixed(2), 'flips/event': one.flipsPerEvent.toFixed(2),
    'members/profile': one.members.toFixed(0), 'state p50 B': one.p50Bytes, 'state p99 B': one.p99Bytes, 'store+read µs': one.storeAndReadUs.toFixed(0), 'compile ms': one.compileMs.toFixed(0),
  })));
}

if (process.argv[1]?.endsWith('engine.ts')) printEngine(measureEngine(Number(process.argv[2] ?? 200_000), process.argv[3]?.split(',').map(Number)));
