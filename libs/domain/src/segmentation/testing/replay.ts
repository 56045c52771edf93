import fc from 'fast-check';
import { compileEngine, type Engine, type Flip } from '../engine.js';
import type { ProfileState } from '../profile-state.js';
import type { RuleEntry } from '../rule-entry.js';
import { segments, ZONES } from './arbitrary-rules.js';
import type { NaiveOptions } from './naive-timeline.js';

/** `PROPERTY_RUNS` makes a long run, `PROPERTY_SEED` repeats one; fast-check prints the seed of a failure. */
export const SETTINGS = {
  numRuns: Number(process.env['PROPERTY_RUNS'] ?? 150),
  ...(process.env['PROPERTY_SEED'] && { seed: Number(process.env['PROPERTY_SEED']) }),
};

/** How long after the last entry time goes on: longer than every window in the arbitrary rules. */
export const AFTER_MS = 9 * 86_400_000;

export const PURPOSES = { profiling: 'opt-out', email_marketing: 'opt-in' } as const;

export const compilePattern = (pattern: string, { ignoreCase }: { readonly ignoreCase: boolean }): ((text: string) => boolean) => {
  const compiled = new RegExp(pattern, ignoreCase ? 'iu' : 'u');
  return (text) => compiled.test(text);
};

export const world: fc.Arbitrary<NaiveOptions> = fc
  .record({ segments: segments(), timezone: fc.constantFrom(...ZONES), profileId: fc.constantFrom('profile-1', 'profile-2') })
  .map((one) => ({ ...one, purposes: PURPOSES }));

export function engineOf(options: Pick<NaiveOptions, 'segments' | 'timezone' | 'purposes'>): Engine {
  return compileEngine({ ...options, compilePattern });
}

/** Feeds entries in order, time first, and returns the flips. */
export function feed(engine: Engine, state: ProfileState, entries: readonly RuleEntry[]): Flip[] {
  const flips: Flip[] = [];
  for (const entry of entries) {
    flips.push(...engine.advance(state, entry.appendedAtMs));
    flips.push(...engine.apply(state, entry));
  }
  return flips;
}

export function replay(options: NaiveOptions, entries: readonly RuleEntry[], untilMs: number): Flip[] {
  const engine = engineOf(options);
  const state = engine.newState(options.profileId);
  const flips = feed(engine, state, entries);
  return [...flips, ...engine.advance(state, untilMs + 1)];
}

export function brief(flips: readonly { readonly segment: string; readonly change: string; readonly atMs: number; readonly by: string }[]): string[] {
  return flips.map((flip) => `${flip.atMs} ${flip.segment} ${flip.change} ${flip.by}`);
}

export function memberKeys(engine: Engine, state: ProfileState): string[] {
  return [...engine.members(state).keys()].sort();
}
