import type { Entry } from '@tributary/contracts/entry';
import type { Engine } from '@tributary/domain/segmentation/engine';
import type { ProfileState } from '@tributary/domain/segmentation/profile-state';
import { decodeFrame, encodeFrame } from '@tributary/stream/frame';
import type { StoredProfile } from './profile-records.postgres.js';
import { toRuleEntry } from './to-rule-entry.js';

/** States from this size on, in bytes, are not written anew with each batch that touches them. */
export const JOURNALED_BYTES_MIN = 4_096;

/**
 * How the state of somebody very active is stored: a full copy now and then, and in between only what was applied since.
 * A state is a function of what was applied, so both say the same; and the cost of an event stays the same however much
 * its person has done.
 */
export class StateJournal {
  #entries: Entry[] = [];
  #advancedMs = -Infinity;
  #bytes: number;
  /** How many chunks are stored behind the full copy. */
  chunks: number;

  /** @param stored behind the full copy */
  constructor(stored: readonly Buffer[] = []) {
    this.chunks = stored.length;
    this.#bytes = stored.reduce((sum, { length }) => sum + length, 0);
  }

  applied(entry: Entry): void {
    this.#entries.push(entry);
  }

  advanced(beforeMs: number): void {
    this.#advancedMs = Math.max(this.#advancedMs, beforeMs);
  }

  /** What this batch did, to be stored behind the full copy; null where a new copy is better. */
  nextChunk(copy: Buffer | null): Buffer | null {
    if (copy === null || copy.length < JOURNALED_BYTES_MIN) return null;
    const advanced = this.#advancedMs === -Infinity ? [] : [[0, { offset: 0, timeMs: this.#advancedMs }] as const];
    const chunk = encodeFrame({ positions: new Map(advanced), entries: this.#entries });
    // Reading it all again must not take more than twice as long as reading a copy.
    if (this.#bytes + chunk.length > copy.length) return null;
    this.#bytes += chunk.length;
    this.#entries = [];
    this.chunks++;
    return chunk;
  }

  /** There is a full copy again. */
  clear(): void {
    this.#entries = [];
    this.#bytes = 0;
    this.chunks = 0;
  }
}

/** The state as it was when it was last saved. */
export function restoreState(engine: Engine, { profileId, state, journal }: StoredProfile): ProfileState {
  const rules = engine.decode(state, profileId);
  for (const chunk of journal) {
    const { entries, positions } = decodeFrame(chunk);
    for (const entry of entries) {
      engine.advance(rules, entry.appendedAtMs);
      const ruleEntry = toRuleEntry(entry);
      if (ruleEntry !== null) engine.apply(rules, ruleEntry);
    }
    const advanced = positions.get(0);
    if (advanced !== undefined) engine.advance(rules, advanced.timeMs);
  }
  return rules;
}
