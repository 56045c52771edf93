import type { Leaf } from './leaf.js';

export type Expression =
  | { readonly and: readonly Expression[] }
  | { readonly or: readonly Expression[] }
  | { readonly not: Expression }
  | { readonly leaf: Leaf };

const HOLDS = -1;
const FAILS = -2;

/**
 * An expression as steps `[leaf, next if it holds, next if not]`: and, or and not become where to go next, so that
 * evaluating takes one loop, asks no leaf twice in a row, and stops as soon as the answer is known.
 */
export interface Program {
  readonly steps: Int32Array;
  readonly start: number;
}

export function compileProgram(expression: Expression): Program {
  const steps: number[] = [];
  const start = emit(expression, { holds: HOLDS, fails: FAILS }, steps);
  return { steps: Int32Array.from(steps), start };
}

export function runProgram(program: Program, leafHolds: (leaf: number) => boolean): boolean {
  const { steps } = program;
  let at = program.start;
  while (at >= 0) at = leafHolds(steps[at]!) ? steps[at + 1]! : steps[at + 2]!;
  return at === HOLDS;
}

/** Writes the steps of an expression from its last part to its first; returns where it begins. */
function emit(expression: Expression, next: { readonly holds: number; readonly fails: number }, steps: number[]): number {
  if ('leaf' in expression) return steps.push(expression.leaf.index, next.holds, next.fails) - 3;
  if ('not' in expression) return emit(expression.not, { holds: next.fails, fails: next.holds }, steps);
  const isAnd = 'and' in expression;
  const parts = isAnd ? expression.and : expression.or;
  let { holds, fails } = next;
  let start = isAnd ? holds : fails;
  for (let i = parts.length - 1; i >= 0; i -= 1) {
    start = emit(parts[i]!, { holds, fails }, steps);
    if (isAnd) holds = start;
    else fails = start;
  }
  return start;
}
