import type { Json, ValueTest } from '@tributary/contracts/rule';
import { equalValues, indexKey, orderValues, valueKey } from './compare-values.js';
import type { CompilePattern } from './engine.js';
import type { LocalDays } from './local-days.js';
import { parseInstant } from './parse-instant.js';
import { testTime, type TimeTest } from './test-time.js';

/** A value test made ready. `value` is undefined where it is absent; `t` and `days` matter to tests of time only. */
export interface CompiledTest {
  holds(value: Json | undefined, t: number, days: LocalDays): boolean;
  /** Tests whose answer changes with time alone. */
  readonly time?: TimeTest;
  /** Where the answer depends on equality alone: with which values it holds (or, with `negated`, does not). */
  readonly oneOf?: { readonly keys: readonly string[]; readonly negated: boolean };
}

type Predicate = (value: Json) => boolean;

/** The test must be valid. Two tests with the same `canonicalTest` are the same test. */
export function compileTest(test: ValueTest, compilePattern: CompilePattern): CompiledTest {
  if (test.op === 'exists') return { holds: (value) => value !== undefined };
  if (test.op === 'notExists') return { holds: (value) => value === undefined };
  const time = testTime(test);
  if (time) return { time, holds: (value, t, days) => value !== undefined && time.holds(value, t, days) };
  const predicate = compilePredicate(test, compilePattern);
  const withAbsent = test.absent === true;
  return { holds: (value) => (value === undefined ? withAbsent : predicate(value)), oneOf: equalityKeys(test) };
}

/** Where there is none, nothing is satisfied (rule 25), whatever the test says of absent values. */
export function onlyWhereThere(test: CompiledTest): CompiledTest {
  return { ...test, holds: (value, t, days) => value !== undefined && test.holds(value, t, days) };
}

/** A text that is the same for tests that mean the same. */
export function canonicalTest(test: ValueTest): string {
  const value = test.op === 'in' || test.op === 'notIn'
    ? `[${[...new Set((test.value as readonly Json[]).map(valueKey))].sort().join(',')}]`
    : test.value === undefined ? '' : valueKey(test.value);
  return `${test.op}${test.ignoreCase === true ? '~' : ''}${test.absent === true ? '?' : ''} ${value}`;
}

function equalityKeys(test: ValueTest): CompiledTest['oneOf'] {
  if (test.ignoreCase === true || test.absent === true) return undefined;
  if (test.op === 'equals' || test.op === 'notEquals') return { keys: [indexKey(test.value!)], negated: test.op === 'notEquals' };
  if (test.op === 'in' || test.op === 'notIn') return { keys: (test.value as readonly Json[]).map(indexKey), negated: test.op === 'notIn' };
  return undefined;
}

function compilePredicate(test: ValueTest, compilePattern: CompilePattern): Predicate {
  const fold = test.ignoreCase === true ? lower : same;
  const operand = test.value as Json;
  switch (test.op) {
    case 'equals': return equalTo(fold(operand), fold);
    case 'notEquals': return negate(equalTo(fold(operand), fold));
    case 'in': return oneOf(operand as readonly Json[], fold);
    case 'notIn': return negate(oneOf(operand as readonly Json[], fold));
    case 'gt': case 'gte': case 'lt': case 'lte': return ordered(test.op, fold(operand), fold);
    case 'between': {
      const [low, high] = operand as readonly [Json, Json];
      const [above, below] = [ordered('gte', fold(low), fold), ordered('lte', fold(high), fold)];
      return (value) => above(value) && below(value);
    }
    case 'contains': return textTest(fold(operand) as string, fold, (text, part) => text.includes(part));
    case 'startsWith': return textTest(fold(operand) as string, fold, (text, part) => text.startsWith(part));
    case 'endsWith': return textTest(fold(operand) as string, fold, (text, part) => text.endsWith(part));
    case 'matches': {
      const matches = compilePattern(operand as string, { ignoreCase: test.ignoreCase === true });
      return (value) => typeof value === 'string' && matches(value);
    }
    case 'includes': {
      const equal = equalTo(fold(operand), fold);
      return (value) => Array.isArray(value) && value.some(equal);
    }
    case 'before': { const at = parseInstant(operand)!; return instantTest((instant) => instant < at); }
    case 'after': { const at = parseInstant(operand)!; return instantTest((instant) => instant > at); }
    default: throw new Error(`no such operator: ${test.op}`);
  }
}

const same = (value: Json): Json => value;
const lower = (value: Json): Json => (typeof value === 'string' ? value.toLowerCase() : value);
const negate = (predicate: Predicate): Predicate => (value) => !predicate(value);

function equalTo(operand: Json, fold: (value: Json) => Json): Predicate {
  if (typeof operand !== 'object' || operand === null) return (value) => fold(value) === operand;
  return (value) => equalValues(value, operand);
}

function oneOf(operands: readonly Json[], fold: (value: Json) => Json): Predicate {
  const scalars = new Set<Json>();
  const others: Json[] = [];
  for (const operand of operands) {
    if (typeof operand === 'object') others.push(operand);
    else scalars.add(fold(operand));
  }
  return (value) => (typeof value === 'object' ? others.some((other) => equalValues(other, value)) : scalars.has(fold(value)));
}

function ordered(op: 'gt' | 'gte' | 'lt' | 'lte', operand: Json, fold: (value: Json) => Json): Predicate {
  return (value) => {
    const order = orderValues(fold(value), operand);
    if (order === undefined) return false;
    switch (op) {
      case 'gt': return order > 0;
      case 'gte': return order >= 0;
      case 'lt': return order < 0;
      case 'lte': return order <= 0;
    }
  };
}

function textTest(operand: string, fold: (value: Json) => Json, test: (text: string, part: string) => boolean): Predicate {
  return (value) => typeof value === 'string' && test(fold(value) as string, operand);
}

function instantTest(test: (instant: number) => boolean): Predicate {
  return (value) => {
    const instant = parseInstant(value);
    return instant !== undefined && test(instant);
  };
}
