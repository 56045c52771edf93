// Compares what was told with what is true, and takes the times from the instants that are true.
import { build, type Histogram } from 'hdr-histogram-js';
import { type Percentiles, percentilesOf } from '../read-changes.ts';
import { intendedMsOf } from '../workload.ts';
import type { Flip } from './replay-truth.ts';

/** A change as a consumer read it. */
export interface Told {
  readonly change: 'entered' | 'left';
  readonly effectiveMs: number;
  readonly readMs: number;
}

export interface Verdict {
  /** Changes that there should be, and how many were told with the same effective instant, to the millisecond. */
  readonly flips: number;
  readonly exact: number;
  /** Told at another instant than the true one, or never true at all. */
  readonly others: number;
  /** Who is in and should not be at the end, or the other way round. */
  readonly wrongAtEnd: number;
  /** Over all people and segments, the time during which the told membership was not the true one. */
  readonly wrongSeconds: number;
  readonly memberSeconds: number;
}

/** What had been told for the time up to an instant. */
export function judge(truth: ReadonlyMap<string, readonly Flip[]>, told: ReadonlyMap<string, readonly Told[]>, untilMs: number): Verdict {
  const sum = { flips: 0, exact: 0, others: 0, wrongAtEnd: 0, wrongSeconds: 0, memberSeconds: 0 };
  for (const key of new Set([...truth.keys(), ...told.keys()])) {
    const trueFlips = (truth.get(key) ?? []).filter(({ effectiveMs }) => effectiveMs <= untilMs);
    const toldFlips = inEffect(told.get(key) ?? [], untilMs);
    const known = new Set(trueFlips.map(nameOf));
    const exact = toldFlips.filter((flip) => known.delete(nameOf(flip))).length;
    const isWrongAtEnd = (trueFlips.at(-1)?.change === 'entered') !== (toldFlips.at(-1)?.change === 'entered');
    sum.flips += trueFlips.length;
    sum.exact += exact;
    sum.others += toldFlips.length - exact;
    sum.wrongAtEnd += isWrongAtEnd ? 1 : 0;
    sum.wrongSeconds += differenceMs(trueFlips, toldFlips, untilMs) / 1_000;
    sum.memberSeconds += differenceMs(trueFlips, [], untilMs) / 1_000;
  }
  return { ...sum, wrongSeconds: Math.round(sum.wrongSeconds), memberSeconds: Math.round(sum.memberSeconds) };
}

/** In order of effect, without those who came and went at the same instant. */
function inEffect(told: readonly Told[], untilMs: number): Told[] {
  const flips: Told[] = [];
  for (const flip of told.filter(({ effectiveMs }) => effectiveMs <= untilMs).sort((left, right) => left.effectiveMs - right.effectiveMs)) {
    const last = flips.at(-1);
    if (last !== undefined && last.effectiveMs === flip.effectiveMs && last.change !== flip.change) flips.pop();
    else if (last?.change !== flip.change) flips.push(flip);
  }
  return flips;
}

function nameOf({ change, effectiveMs }: { readonly change: string; readonly effectiveMs: number }): string {
  return `${change} ${effectiveMs}`;
}

type Step = Pick<Flip, 'change' | 'effectiveMs'>;

function differenceMs(left: readonly Step[], right: readonly Step[], untilMs: number): number {
  const instants = [...left, ...right].map(({ effectiveMs }) => effectiveMs).sort((a, b) => a - b);
  let differs = 0;
  let [l, r] = [0, 0];
  instants.forEach((atMs, index) => {
    while (l < left.length && (left[l] as Step).effectiveMs <= atMs) l++;
    while (r < right.length && (right[r] as Step).effectiveMs <= atMs) r++;
    const isDifferent = (left[l - 1]?.change === 'entered') !== (right[r - 1]?.change === 'entered');
    if (isDifferent) differs += (instants[index + 1] ?? untilMs) - atMs;
  });
  return differs;
}

export interface Times {
  /** From the intended instant of the event that makes somebody a member to the moment at which a consumer reads so. */
  readonly entryMs: Percentiles;
  /** From the instant at which a window ends for somebody to the moment at which a consumer reads so. */
  readonly exitMs: Percentiles;
  /** True changes of this stretch of time that nobody told before the next one of the same person and segment. */
  readonly untold: number;
}

/** For the true changes of a stretch of time: when was each first told? */
export function timesOf(truth: ReadonlyMap<string, readonly Flip[]>, told: ReadonlyMap<string, readonly Told[]>, fromMs: number, toMs: number): Times {
  const entry = newHistogram();
  const exit = newHistogram();
  let untold = 0;
  for (const [key, flips] of truth) {
    const readings = told.get(key) ?? [];
    flips.forEach((flip, index) => {
      if (flip.effectiveMs < fromMs || flip.effectiveMs >= toMs) return;
      const sinceMs = flip.messageId === null ? flip.effectiveMs : (intendedMsOf(flip.messageId) ?? flip.effectiveMs);
      const nextMs = flips[index + 1]?.effectiveMs ?? Infinity;
      // A consumer may read of the next change and of this one in any order of arrival: what counts is that it was told.
      const reading = readings.find(({ change, readMs, effectiveMs }) => change === flip.change && readMs >= flip.effectiveMs && effectiveMs < nextMs && effectiveMs >= flip.effectiveMs - 1);
      if (reading === undefined) untold++;
      else if (flip.change === 'entered') entry.recordValue(micros(reading.readMs - sinceMs));
      else if (flip.messageId === null) exit.recordValue(micros(reading.readMs - sinceMs));
    });
  }
  return { entryMs: percentilesOf(entry), exitMs: percentilesOf(exit), untold };
}

export function micros(ms: number): number {
  return Math.max(0, Math.round(ms * 1_000));
}

/** Microseconds, up to ten minutes. */
export function newHistogram(): Histogram {
  return build({ lowestDiscernibleValue: 1, highestTrackableValue: 600_000_000, numberOfSignificantValueDigits: 3 });
}
