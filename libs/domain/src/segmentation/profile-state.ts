import type { Json } from '@tributary/contracts/rule';
import type { EventSeries } from './event-series.js';
import { utcDays, type LocalDays } from './local-days.js';
import type { TimeSpans } from './match-sequence.js';
import type { StepSeries } from './step-series.js';

/** A trait as its newest `identify` left it; `null` in that event leaves no values, and still wins over older events. */
export interface TraitCell {
  readonly timeMs: number;
  readonly messageId: string;
  /** By path, those that rules read. */
  readonly values: ReadonlyMap<string, Json>;
}

export interface Decision {
  readonly decision: 'granted' | 'withdrawn';
  readonly occurredAtMs: number;
}

/**
 * All that rules remember of one profile. Opaque outside this folder. Numbers that key a map are the engine's own indexes:
 * a state belongs to the engine that made or decoded it.
 */
export class ProfileState {
  /** Append time of the first entry; −1: nothing known yet. */
  bornMs = -1;
  /** `hashText` of the first entry's message id; 0 for other kinds. */
  bornId = 0;
  /** All flips by time before this instant have fired. */
  firedBeforeMs = -Infinity;
  readonly series = new Map<number, EventSeries>();
  readonly steps = new Map<number, StepSeries>();
  readonly traits = new Map<string, TraitCell>();
  readonly scores = new Map<string, number>();
  readonly computed = new Map<string, Json>();
  readonly clusters = new Map<string, string>();
  readonly lists = new Set<string>();
  readonly consents = new Map<string, Decision>();
  /** Segment index → member since. */
  readonly members = new Map<number, number>();
  /** Next instants at which a leaf may flip by time alone: sources by index, and their instants beside them. */
  readonly dueSources: number[] = [];
  readonly dueInstants: number[] = [];
  /** The least of them. */
  dueMs = Infinity;
  /** The local calendar of the person. */
  days: LocalDays = utcDays;
  /** When which sequence holds; found anew when its events change. */
  readonly sequenceSpans = new Map<number, TimeSpans>();

  constructor(readonly profileId: string) {}

  setDue(source: number, dueMs: number): void {
    const { dueSources, dueInstants } = this;
    const at = dueSources.indexOf(source);
    const old = at < 0 ? Infinity : dueInstants[at]!;
    if (old === dueMs) return;
    if (at < 0) {
      dueSources.push(source);
      dueInstants.push(dueMs);
    } else if (dueMs < Infinity) dueInstants[at] = dueMs;
    else {
      dueSources[at] = dueSources[dueSources.length - 1]!;
      dueInstants[at] = dueInstants[dueInstants.length - 1]!;
      dueSources.pop();
      dueInstants.pop();
    }
    if (dueMs < this.dueMs) this.dueMs = dueMs;
    else if (old === this.dueMs) this.dueMs = least(dueInstants);
  }

  dueOf(source: number): number {
    const at = this.dueSources.indexOf(source);
    return at < 0 ? Infinity : this.dueInstants[at]!;
  }
}

function least(instants: readonly number[]): number {
  let due = Infinity;
  for (let i = 0; i < instants.length; i += 1) if (instants[i]! < due) due = instants[i]!;
  return due;
}
