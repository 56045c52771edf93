// What must not be missing: each mutant takes one guard out of the product, and the tests named beside it must fail then.
// `mutants.test.ts` runs them; `TEST_MUTANT=<name> npm test -- <path>` runs any test on one.

export interface Mutant {
  readonly name: string;
  /** From the root of the workspace. */
  readonly file: string;
  /** Stands in the file exactly once; else the mutant is out of date and says so. */
  readonly find: string;
  readonly replace: string;
  /** Paths of suites of which at least one test must fail. */
  readonly suites: readonly string[];
  /** Only tests with such a name are run. */
  readonly tests?: string;
}

export const mutants: readonly Mutant[] = [
  {
    name: 'no-fence',
    file: 'libs/stream/src/progress.ts',
    find: 'where p.stage = n.stage and p.partition = n.partition and p.epoch = n.epoch and p.next_offset is not distinct from n.expected',
    replace: 'where p.stage = n.stage and p.partition = n.partition and n.epoch is not null and n.expected is not distinct from n.expected',
    suites: ['libs/stream/src/progress.test.ts', 'libs/stream/src/line-faults.test.ts'],
    tests: 'older epoch|believes to be elsewhere|was paused cannot commit',
  },
  {
    name: 'timers-by-the-local-clock',
    file: 'libs/stream/src/reorder.ts',
    find: 'let watermarkMs = Infinity;',
    replace: 'if (Math.random() < 2) return Date.now();\n    let watermarkMs = Infinity;',
    suites: ['libs/stream/src/line.test.ts'],
    tests: 'nobody leaves while',
  },
  {
    name: 'order-of-arrival',
    file: 'libs/stream/src/reorder.ts',
    find: 'if (canStillPrecede) return -1;',
    replace: '',
    suites: ['libs/stream/src/reorder.test.ts'],
  },
  {
    name: 'repeats-inside-count',
    file: 'libs/stream/src/reorder.ts',
    find: 'if (entry.offset <= received.offset) continue;',
    replace: '',
    suites: ['libs/stream/src/reorder.test.ts'],
  },
  {
    name: 'no-clamp',
    file: 'libs/domain/src/ingestion/derive-event-time.ts',
    find: 'return Math.min(timestampMs + skewMs, appendedMs);',
    replace: 'return timestampMs + skewMs;',
    suites: ['libs/domain/src/ingestion', 'apps/ingestion/src/ingestion.stage.test.ts'],
    tests: 'future|at most as late|append',
  },
  {
    name: 'message-ids-unchecked',
    file: 'apps/ingestion/src/batch-decision.ts',
    find: "if (this.#isSeen(subject.messageHash)) return drop('duplicate_message');",
    replace: '',
    suites: ['apps/ingestion/src/ingestion.stage.test.ts'],
    tests: 'a message id counts once',
  },
  {
    name: 'merges-not-waited-for',
    file: 'apps/segmentation/src/segmentation-fold.ts',
    find: 'if (record.mergedInto !== null || record.awaiting.size > 0) return;',
    replace: 'if (record.mergedInto !== null) return;',
    suites: ['apps/segmentation/src/merges.test.ts'],
  },
  {
    name: 'gate-open',
    file: 'libs/domain/src/consent/pass-gate.ts',
    find: 'if (purposes.includes(PROCESSING) ||',
    replace: 'if (purposes !== undefined ||',
    suites: ['libs/domain/src/consent/pass-gate.test.ts'],
  },
  {
    name: 'consent-not-asked-again',
    file: 'apps/delivery/src/sends/sender.ts',
    find: "if (decision.decision === 'not_sent') return",
    replace: "if (decision.decision === 'not_sent' && send === null) return",
    suites: ['apps/delivery/src/sends/sender.test.ts'],
    tests: 'a withdrawal after the mail was prepared',
  },
];

/** The file with the guard taken out. @throws Error where it does not hold the guard exactly once */
export function mutate(source: string, { name, file, find, replace }: Mutant): string {
  const parts = source.split(find);
  if (parts.length !== 2) throw new Error(`Mutant ${name} is out of date: ${file} holds its text ${parts.length - 1} times. See tools/mutants/mutants.ts.`);
  return parts.join(replace);
}

/** @throws Error for a name that no mutant has */
export function mutantNamed(name: string | undefined): Mutant {
  const found = mutants.find((mutant) => mutant.name === name);
  if (found === undefined) throw new Error(`No mutant ${name}; there are ${mutants.map((mutant) => mutant.name).join(', ')}.`);
  return found;
}
