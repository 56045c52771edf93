import type { Json, ValueOp } from '@tributary/contracts/rule';
import { orderValues } from './compare-values.js';
import { parseInstant } from './parse-instant.js';
import { DURATION_DAYS_MAX, parseDays, parseDuration } from './parse-duration.js';
import { child, type JsonObject, type RuleCheck } from './rule-verdict.js';

export const PATTERN_CHARACTERS_MAX = 1_000;

export const COUNT_OPS = ['gte', 'gt', 'lte', 'lt', 'equals', 'between'];
const ORDER_OPS = ['gt', 'gte', 'lt', 'lte', 'between'];
const TEXT_OPS = ['contains', 'startsWith', 'endsWith'];
/** Their answer depends on t, so they are no filters of events. */
const PRESENT_OPS = ['inLast', 'inNext', 'notInLast', 'anniversaryInNext'];
const VALUE_OPS: readonly string[] = [
  'equals', 'notEquals', 'in', 'notIn', 'exists', 'notExists', ...ORDER_OPS, ...TEXT_OPS, 'matches', 'includes', 'before', 'after', ...PRESENT_OPS,
] satisfies ValueOp[] | string[];
const CASELESS_OPS = ['equals', 'notEquals', 'in', 'notIn', 'includes', 'matches', ...ORDER_OPS, ...TEXT_OPS];
const ABSENT_OPS = ['notEquals', 'notIn'];

export const TEST_FIELDS = ['op', 'value', 'ignoreCase', 'absent'];

/** The op, value and options of a trait node (`trait`) or of a filter (`where`). */
export function validateTest(node: JsonObject, pointer: string, place: 'trait' | 'where', check: RuleCheck): void {
  const op = validateOp(node, pointer, VALUE_OPS, check);
  if (op === undefined) return;
  if (place === 'where' && PRESENT_OPS.includes(op)) {
    check.refuse(child(pointer, 'op'), 'not_allowed', `"${op}" depends on the present and cannot filter events; use "before" or "after", or the window of the node.`);
    return;
  }
  validateOption(node, 'ignoreCase', { pointer, ops: CASELESS_OPS, op, check });
  validateOption(node, 'absent', { pointer, ops: ABSENT_OPS, op, check });
  const at = child(pointer, 'value');
  if (op === 'exists' || op === 'notExists') {
    if (node['value'] !== undefined) check.refuse(at, 'unknown_field', `Remove "value": "${op}" takes none.`);
    return;
  }
  if (node['value'] === undefined) {
    check.refuse(at, 'missing_field', `Give "value" for "${op}".`);
    return;
  }
  validateValue(op, node['value'] as Json, at, check);
}

/** The op of a node, or undefined where it is refused. */
export function validateOp(node: JsonObject, pointer: string, ops: readonly string[], check: RuleCheck): string | undefined {
  const op = node['op'];
  const at = child(pointer, 'op');
  if (op === undefined) check.refuse(at, 'missing_field', `Give "op" as one of: ${ops.join(', ')}.`);
  else if (typeof op !== 'string') check.refuse(at, 'wrong_type', `Give "op" as one of: ${ops.join(', ')}.`);
  else if (!ops.includes(op)) check.refuse(at, 'unknown_operator', `There is no operator "${op.slice(0, 50)}" here; use one of: ${ops.join(', ')}.`);
  else return op;
  return undefined;
}

/** Op and value of a count, an aggregate, a score or a computed number. */
export function validateCount(node: JsonObject, pointer: string, check: RuleCheck): void {
  const op = validateOp(node, pointer, COUNT_OPS, check);
  if (op === undefined) return;
  const value = node['value'];
  const at = child(pointer, 'value');
  if (value === undefined) check.refuse(at, 'missing_field', `Give "value" for "${op}".`);
  else if (op === 'between') validateBetween(value as Json, at, ['number'], check);
  else if (!isNumber(value)) check.refuse(at, 'wrong_type', `Give "value" as a number for "${op}".`);
}

function validateOption(node: JsonObject, option: 'ignoreCase' | 'absent', at: { readonly pointer: string; readonly ops: readonly string[]; readonly op: string; readonly check: RuleCheck }): void {
  const value = node[option];
  if (value === undefined) return;
  const pointer = child(at.pointer, option);
  if (typeof value !== 'boolean') at.check.refuse(pointer, 'wrong_type', `Give "${option}" as true or false, or leave it out.`);
  else if (!at.ops.includes(at.op)) at.check.refuse(pointer, 'not_allowed', `Remove "${option}": it goes with ${at.ops.join(', ')}.`);
}

function validateValue(op: string, value: Json, at: string, check: RuleCheck): void {
  if (op === 'in' || op === 'notIn') {
    if (!Array.isArray(value)) check.refuse(at, 'wrong_type', `Give "value" as a list for "${op}".`);
    else if (value.length === 0) check.refuse(at, 'empty_list', `Give "${op}" at least one value.`);
    else value.forEach((one, i) => { if (one === null) check.refuse(child(at, i), 'wrong_type', 'Remove null: an absent value is asked for by "notExists".'); });
  } else if (op === 'between') validateBetween(value, at, ['number', 'string'], check);
  else if (ORDER_OPS.includes(op)) {
    if (!isNumber(value) && typeof value !== 'string') check.refuse(at, 'wrong_type', `Give "value" as a number or a text for "${op}".`);
  } else if (TEXT_OPS.includes(op)) {
    if (typeof value !== 'string') check.refuse(at, 'wrong_type', `Give "value" as a text for "${op}".`);
  } else if (op === 'matches') validatePattern(value, at, check);
  else if (op === 'before' || op === 'after') {
    if (parseInstant(value) === undefined) check.refuse(at, 'invalid_instant', 'Give "value" as an instant: 2026-01-31, 2026-01-31T12:00:00Z, or epoch milliseconds as a number.');
  } else if (op === 'anniversaryInNext') {
    if (parseDays(value, 'zero') === undefined) check.refuse(at, 'invalid_duration', `Give "value" in days or weeks, such as "7d", "2w" or "0d" for today; at most ${DURATION_DAYS_MAX}d.`);
  } else if (PRESENT_OPS.includes(op)) validateDuration(value, at, check);
  else if (value === null) check.refuse(at, 'wrong_type', 'Give a value that is not null: an absent value is asked for by "notExists".');
}

export function validateDuration(value: unknown, at: string, check: RuleCheck): number | undefined {
  const ms = parseDuration(value);
  if (ms === undefined) check.refuse(at, 'invalid_duration', `Give a duration: a whole number from 1 and s, m, h, d or w, such as "30d"; at most ${DURATION_DAYS_MAX}d.`);
  return ms;
}

function validateBetween(value: Json, at: string, types: readonly string[], check: RuleCheck): void {
  const ends = Array.isArray(value) ? value : [];
  const [low, high] = ends as readonly (Json | undefined)[];
  if (ends.length !== 2 || typeof low !== typeof high || !types.includes(typeof low) || (typeof low === 'number' && !(isNumber(low) && isNumber(high)))) {
    check.refuse(at, 'wrong_type', `Give "value" as [low, high], two of one kind (${types.join(' or ')}) for "between".`);
  } else if (orderValues(low, high)! > 0) check.refuse(at, 'invalid_range', 'Give [low, high] with low at most high.');
}

function validatePattern(value: Json, at: string, check: RuleCheck): void {
  if (typeof value !== 'string') check.refuse(at, 'wrong_type', 'Give "value" as a pattern in RE2 syntax.');
  else if (value.length > 2 * PATTERN_CHARACTERS_MAX || [...value].length > PATTERN_CHARACTERS_MAX) {
    check.refuse(at, 'too_long', `A pattern has at most ${PATTERN_CHARACTERS_MAX} characters; split it over several nodes.`);
  } else {
    try {
      check.context.compilePattern(value, { ignoreCase: false });
    } catch (error) {
      check.refuse(at, 'invalid_pattern', `Correct the pattern (RE2 syntax): ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
