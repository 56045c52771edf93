import type { Json, ValueTest } from '@tributary/contracts/rule';
import type { Compilation, Frame } from './frame.js';
import { readDays, readDurationMs } from './read-duration.js';
import { translatePattern } from './translate-pattern.js';

const COMPARISONS: Readonly<Record<string, string>> = { gt: '>', gte: '>=', lt: '<', lte: '<=' };

/** The value at a path (rule 12) below a jsonb expression: by own keys, never into arrays, `null` being absent. */
export function readPath({ parameters }: Compilation, root: string, keys: readonly string[]): string {
  return `nullif(${[root, ...keys.map((key) => parameters.text(key))].join(' -> ')}, 'null')`;
}

/** Whether a value that is absent satisfies the test (rule 12). */
export function holdsForAbsent(test: ValueTest): boolean {
  return test.op === 'notExists' || ((test.op === 'notEquals' || test.op === 'notIn') && test.absent === true);
}

/** Condition on `value`, a jsonb expression that is NULL where the value is absent. May be NULL, which is false. */
export function compileValueTest(compilation: Compilation, frame: Frame, value: string, test: ValueTest): string {
  const { op } = test;
  switch (op) {
    case 'exists':
      return `${value} IS NOT NULL`;
    case 'notExists':
      return `${value} IS NULL`;
    case 'equals':
    case 'in':
      return equalsAny(compilation, value, test);
    case 'notEquals':
    case 'notIn':
      return `(${value} IS ${test.absent ? '' : 'NOT '}NULL ${test.absent ? 'OR' : 'AND'} (${equalsAny(compilation, value, test)}) IS NOT TRUE)`;
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
      return compare(compilation, value, { operator: COMPARISONS[op]!, bound: test.value!, ignoreCase: test.ignoreCase });
    case 'between': {
      const [low, high] = test.value as readonly [Json, Json];
      const isOn = (operator: string, bound: Json) => compare(compilation, value, { operator, bound, ignoreCase: test.ignoreCase });
      return `(${isOn('>=', low)} AND ${isOn('<=', high)})`;
    }
    case 'contains':
    case 'startsWith':
    case 'endsWith':
    case 'matches':
      return compileStringTest(compilation, value, test);
    case 'includes':
      return `EXISTS (SELECT FROM jsonb_array_elements(CASE jsonb_typeof(${value}) WHEN 'array' THEN ${value} END) AS item WHERE ${equals(compilation, 'item', test.value!, test.ignoreCase)})`;
    default:
      return compileTimeTest(compilation, frame, value, test);
  }
}

/** How two JSON expressions compare (rule 24); NULL where either is absent. */
export function compareJson(op: 'equals' | 'notEquals' | 'gt' | 'gte' | 'lt' | 'lte', left: string, right: string): string {
  if (op === 'equals') return `rules.canonical(${left}) = rules.canonical(${right})`;
  if (op === 'notEquals') return `rules.canonical(${left}) <> rules.canonical(${right})`;
  return `rules.compare(${left}, ${right}) ${COMPARISONS[op]} 0`;
}

function equalsAny(compilation: Compilation, value: string, { op, value: wanted, ignoreCase }: ValueTest): string {
  if (op === 'equals' || op === 'notEquals') return equals(compilation, value, wanted!, ignoreCase);
  return `(${(wanted as readonly Json[]).map((one) => equals(compilation, value, one, ignoreCase)).join(' OR ')})`;
}

/** Rule 13: by JSON type and value, deep, numbers as doubles. */
function equals({ parameters }: Compilation, value: string, wanted: Json, ignoreCase = false): string {
  if (isOutsideText(wanted)) return 'false';
  if (typeof wanted === 'number') return `rules.num(${value}) = ${parameters.double(wanted)}`;
  if (typeof wanted === 'string' && ignoreCase) return `rules.lower_case_json(${value}) = rules.lower_case_json(${parameters.json(wanted)})`;
  if (typeof wanted === 'object' && wanted !== null) return `rules.canonical(${value}) = rules.canonical(${parameters.json(wanted)})`;
  return `${value} = ${parameters.json(wanted)}`;
}

interface Bound {
  readonly operator: string;
  readonly bound: Json;
  readonly ignoreCase?: boolean;
}

function compare({ parameters }: Compilation, value: string, { operator, bound, ignoreCase }: Bound): string {
  if (typeof bound === 'number') return `rules.num(${value}) ${operator} ${parameters.double(bound)}`;
  if (typeof bound !== 'string') return 'false';
  if (ignoreCase) return `rules.lower_case(rules.str(${value})) COLLATE "C" ${operator} rules.lower_case(${parameters.text(bound)})`;
  return `rules.str(${value}) COLLATE "C" ${operator} ${parameters.text(bound)}`;
}

function compileStringTest(compilation: Compilation, value: string, { op, value: wanted, ignoreCase = false }: ValueTest): string {
  const { parameters, context } = compilation;
  const fold = (text: string) => (ignoreCase ? `rules.lower_case(${text})` : text);
  const text = `${fold(`rules.str(${value})`)} COLLATE "C"`;
  if (typeof wanted !== 'string') return 'false';
  if (op === 'matches') {
    const translated = translatePattern({ pattern: wanted, ignoreCase });
    if (translated !== undefined) return `${text} ~ ${parameters.text(translated)}`;
    const listed = context.matches?.find((one) => one.pattern === wanted && (one.ignoreCase ?? false) === ignoreCase);
    if (!listed) throw new Error(`The pattern ${JSON.stringify(wanted)} needs the strings it matches, see listOutsidePatterns.`);
    return `rules.str(${value}) COLLATE "C" = ANY (${parameters.texts(listed.strings)})`;
  }
  if (isOutsideText(wanted)) return 'false';
  const part = fold(parameters.text(wanted));
  if (op === 'contains') return `strpos(${text}, ${part}) > 0`;
  if (op === 'startsWith') return `starts_with(${text}, ${part})`;
  return `right(${text}, length(${part})) = ${part}`;
}

/** Rules 15 and 16. */
function compileTimeTest(compilation: Compilation, frame: Frame, value: string, test: ValueTest): string {
  const { parameters } = compilation;
  const instant = `rules.instant(${value})`;
  const span = () => parameters.integer(readDurationMs(test.value as string));
  switch (test.op) {
    case 'before':
      return `${instant} < rules.instant(${parameters.json(test.value)})`;
    case 'after':
      return `${instant} > rules.instant(${parameters.json(test.value)})`;
    case 'inLast':
      return `(${instant} > ${frame.t} - ${span()} AND ${instant} <= ${frame.t})`;
    case 'notInLast':
      return `NOT (${instant} > ${frame.t} - ${span()} AND ${instant} <= ${frame.t})`;
    case 'inNext':
      return `(${instant} > ${frame.t} AND ${instant} <= ${frame.t} + ${span()})`;
    case 'anniversaryInNext':
      return `rules.days_to_anniversary(${frame.calendar('today')}, rules.month_day(${value})) <= ${parameters.integer(readDays(test.value as string))}`;
    default:
      throw new Error(`"${test.op}" is not an operator.`);
  }
}

/** JSON in the database cannot hold the character U+0000 nor half a surrogate pair, so nothing equals or has them. */
function isOutsideText(value: Json): boolean {
  if (typeof value === 'string') return value.includes('\0') || !value.isWellFormed();
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some(isOutsideText);
  return Object.entries(value).some(([key, item]) => isOutsideText(key) || isOutsideText(item));
}
