import type { Segment } from '../../api/segments.js';

/** The newest event that the live stream had shown before the segments were asked; null: the stream shows nothing yet. */
export interface NewestEvent {
  readonly appendedMs: number | null;
  /** Whether the stream would show one: else nothing is known about events. */
  readonly isWatching: boolean;
}

/**
 * `fresh`: so little behind that it does not matter. `behind`: an event is known that the count does not have yet.
 * `quiet`: an old instant, but nothing has come in since. `unknown`: an old instant, and nobody watches the events.
 */
export type Freshness = 'empty' | 'fresh' | 'quiet' | 'behind' | 'unknown';

/** Further behind than this is worth a word. */
const LAG_OLD_MS = 2_000;

export function judgeFreshness({ asOf, lagMs }: Pick<Segment, 'asOf' | 'lagMs'>, newest: NewestEvent): Freshness {
  if (asOf === null || lagMs === null) return 'empty';
  if (lagMs <= LAG_OLD_MS) return 'fresh';
  if (newest.appendedMs !== null && newest.appendedMs >= Date.parse(asOf)) return 'behind';
  return newest.isWatching ? 'quiet' : 'unknown';
}
