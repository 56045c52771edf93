export interface Tally {
  readonly entered: number;
  readonly left: number;
  /** Entered and left in each step of time, oldest first, the present one last. */
  readonly steps: readonly (readonly [entered: number, left: number])[];
}

const STEP_MS = 10_000;
export const STEPS = 24;
export const TALLY_MINUTES = (STEP_MS * STEPS) / 60_000;

interface Counts {
  entered: number;
  left: number;
  readonly byStep: Map<number, [number, number]>;
}

/** Who came and went by segment, counted from the live stream since the page was opened. */
export class Tallies {
  readonly #bySegment = new Map<string, Counts>();

  add(segment: string, entered: number, left: number, atMs: number): void {
    const counts = this.#bySegment.get(segment) ?? { entered: 0, left: 0, byStep: new Map<number, [number, number]>() };
    const step = Math.floor(atMs / STEP_MS);
    const [enteredBefore, leftBefore] = counts.byStep.get(step) ?? [0, 0];
    counts.entered += entered;
    counts.left += left;
    counts.byStep.set(step, [enteredBefore + entered, leftBefore + left]);
    for (const old of counts.byStep.keys()) if (old <= step - STEPS) counts.byStep.delete(old);
    this.#bySegment.set(segment, counts);
  }

  of(segment: string, atMs: number): Tally {
    const counts = this.#bySegment.get(segment);
    const last = Math.floor(atMs / STEP_MS);
    const steps = Array.from({ length: STEPS }, (_, at) => counts?.byStep.get(last - STEPS + 1 + at) ?? ([0, 0] as const));
    return { entered: counts?.entered ?? 0, left: counts?.left ?? 0, steps };
  }
}
