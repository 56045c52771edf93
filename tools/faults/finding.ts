/** Something that a promise of docs/faults.md does not allow. */
export interface Finding {
  readonly kind: 'lost' | 'doubled' | 'wrong';
  readonly what: string;
}

/** What became of one promise. */
export interface Verdict {
  /** Number of the invariant in ARCHITECTURE.md. */
  readonly invariants: string;
  readonly title: string;
  /** How many things were looked at: a check of nothing proves nothing. */
  readonly checked: number;
  readonly findings: readonly Finding[];
}

export const lost = (what: string): Finding => ({ kind: 'lost', what });
export const doubled = (what: string): Finding => ({ kind: 'doubled', what });
export const wrong = (what: string): Finding => ({ kind: 'wrong', what });
