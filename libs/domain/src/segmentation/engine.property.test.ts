import fc from 'fast-check';
import { compileEngine, type Flip } from './engine.js';
import { history } from './testing/arbitrary-history.js';
import { segments, ZONES } from './testing/arbitrary-rules.js';
import { insideAt, naiveTimeline, type NaiveOptions } from './testing/naive-timeline.js';
import type { RuleEntry } from './rule-entry.js';

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 400);
const SETTINGS = { numRuns: RUNS, ...(process.env['PROPERTY_SEED'] && { seed: Number(process.env['PROPERTY_SEED']) }) };
const AFTER_MS = 9 * 86_400_000;

const world = fc.record({ segments: segments(), timezone: fc.constantFrom(...ZONES), profileId: fc.constantFrom('profile-1', 'profile-2') })
  .map((one): NaiveOptions => ({ ...one, purposes: { profiling: 'opt-out', email_marketing: 'opt-in' } }));

const compilePattern = (pattern: string, { ignoreCase }: { readonly ignoreCase: boolean }) => {
  const compiled = new RegExp(pattern, ignoreCase ? 'iu' : 'u');
  return (text: string): boolean => compiled.test(text);
};

function replay(options: NaiveOptions, entries: readonly RuleEntry[], untilMs: number): Flip[] {
  const engine = compileEngine({ ...options, compilePattern });
  const state = engine.newState(options.profileId);
  const flips: Flip[] = [];
  for (const entry of entries) {
    flips.push(...engine.advance(state, entry.appendedAtMs));
    flips.push(...engine.apply(state, entry));
  }
  flips.push(...engine.advance(state, untilMs + 1));
  return flips;
}

const brief = (flips: readonly { segment: string; change: string; atMs: number; by: string }[]): string[] =>
  flips.map((flip) => `${flip.atMs} ${flip.segment} ${flip.change} ${flip.by}`);

test('every change is the one that brute force finds, at the same millisecond', () => {
  fc.assert(fc.property(world, history(), (options, entries) => {
    const untilMs = entries.at(-1)!.appendedAtMs + AFTER_MS;
    expect(brief(replay(options, entries, untilMs))).toEqual(brief(naiveTimeline(options, entries, untilMs)));
  }), SETTINGS);
});

void insideAt;
