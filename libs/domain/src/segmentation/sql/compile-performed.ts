import type { CountTest, PerformedNode, WhereFilter, WindowFields } from '@tributary/contracts/rule';
import { compileValueTest, readPath } from './compile-value-test.js';
import { ofWorkspace, type Compilation, type Frame } from './frame.js';
import { readDays, readDurationMs } from './read-duration.js';

/** Local days are at most a day longer than 24 hours, and zones at most a day apart from UTC. */
const CALENDAR_SLACK_DAYS = 3;
/** Beyond every instant that can be written, and exact as a double. */
const INSTANT_MAX = 8_640_000_000_000_000;

const OPERATORS: Readonly<Record<string, string>> = { gt: '>', gte: '>=', lt: '<', lte: '<=', equals: '=' };

/** Counts and aggregates (rules 19 and 20). */
export function compilePerformed(compilation: Compilation, frame: Frame, node: PerformedNode): string {
  const { aggregate } = node;
  const test: CountTest = aggregate ? { op: node.op!, value: node.value! } : (node.count ?? { op: 'gte', value: 1 });
  const value = aggregate ? propertyOf(compilation, 'e', node.performed, aggregate.property) : '';
  const measures = {
    count: 'count(*) AS n',
    sum: `coalesce(sum(rules.six(${value})), 0) AS n`,
    avg: `sum(rules.six(${value})) AS n, count(rules.six(${value})) AS of`,
    min: `min(rules.six(${value})) AS n`,
    max: `max(rules.six(${value})) AS n`,
    distinct: `count(DISTINCT rules.scalar(${value})) AS n`,
  };
  const fn = aggregate?.fn ?? 'count';
  const isZeroForNone = fn === 'count' || fn === 'sum' || fn === 'distinct';
  return frame.leaf({
    rows: `SELECT e.profile_id, ${measures[fn]} FROM ${compilation.context.relations.events} e${node.calendar ? frame.joinCalendar('e') : ''}
      WHERE ${eventsNamed(compilation, 'e', node.performed)} AND ${frame.known('e')}${frame.ofProfile('e')}${inWindow(compilation, frame, 'e', node)}${passing(compilation, frame, 'e', node.performed, node.where)}
      GROUP BY e.profile_id`,
    holds: compareNumber(compilation, 'k.n', test, fn === 'avg' ? 'k.of' : undefined),
    holdsForNone: isZeroForNone && isNumberPassing(0, test),
  });
}

/** `number` as an exact SQL number against the test; with `of`, against the test's values times that. */
export function compareNumber({ parameters }: Compilation, number: string, { op, value }: CountTest, of?: string): string {
  const bound = (limit: number) => `${parameters.decimal(limit)}${of === undefined ? '' : ` * ${of}`}`;
  if (op !== 'between') return `${number} ${OPERATORS[op]} ${bound(value as number)}`;
  const [low, high] = value as readonly [number, number];
  return `(${number} >= ${bound(low)} AND ${number} <= ${bound(high)})`;
}

export function isNumberPassing(number: number, { op, value }: CountTest): boolean {
  if (op === 'between') return (value as readonly number[])[0]! <= number && number <= (value as readonly number[])[1]!;
  const bound = value as number;
  return { gt: number > bound, gte: number >= bound, lt: number < bound, lte: number <= bound, equals: number === bound }[op];
}

/** Condition: the event `e` is one that rules see under this name (rule 19). */
export function eventsNamed(compilation: Compilation, e: string, name: string): string {
  const type = name === 'page' || name === 'screen' ? name : 'track';
  return `${ofWorkspace(compilation, e)} AND ${e}.name = ${compilation.parameters.text(name)} AND ${e}.type = '${type}'`;
}

/** A property of an event; the name of a view is its property `name`, and the one at the top level wins (rule 19). */
export function propertyOf(compilation: Compilation, e: string, name: string, path: string): string {
  const keys = path.split('.');
  const properties = `(${e}.body -> 'properties')`;
  if ((name === 'page' || name === 'screen') && keys[0] === 'name') {
    const viewName = `coalesce(${readPath(compilation, `${e}.body`, ['name'])}, ${readPath(compilation, properties, ['name'])})`;
    return readPath(compilation, viewName, keys.slice(1));
  }
  return readPath(compilation, properties, keys);
}

/** Conditions, with AND in front: every filter holds for the event (rule 17: none depends on t). */
export function passing(compilation: Compilation, frame: Frame, e: string, name: string, where: readonly WhereFilter[] = []): string {
  return where
    .map((filter) => ` AND (${compileValueTest(compilation, frame, propertyOf(compilation, e, name, filter.property), filter)}) IS TRUE`)
    .join('');
}

/** Conditions, with AND in front: the event's time lies in the window (rules 7 and 9). Calendar windows need `joinCalendar`. */
export function inWindow({ parameters }: Compilation, frame: Frame, e: string, window: WindowFields): string {
  const ago = (duration: string) => `${frame.t} - ${parameters.integer(readDurationMs(duration))}`;
  const instant = (value: string | number) =>
    `least(greatest(rules.instant(${parameters.json(value)}), -${INSTANT_MAX}), ${INSTANT_MAX})::bigint`;
  let conditions = '';
  if (window.within !== undefined && window.calendar) {
    const days = readDays(window.within) - 1;
    // The second condition says nothing new; an index can use it, because it is the same for all.
    conditions += ` AND ${e}.ts_ms >= ${frame.calendar(days)} AND ${e}.ts_ms > ${ago(`${days + CALENDAR_SLACK_DAYS}d`)}`;
  } else if (window.within !== undefined) conditions += ` AND ${e}.ts_ms > ${ago(window.within)}`;
  if (window.fromAgo !== undefined) conditions += ` AND ${e}.ts_ms > ${ago(window.fromAgo)}`;
  if (window.toAgo !== undefined) conditions += ` AND ${e}.ts_ms <= ${ago(window.toAgo)}`;
  if (window.from !== undefined) conditions += ` AND ${e}.ts_ms >= ${instant(window.from)}`;
  if (window.to !== undefined) conditions += ` AND ${e}.ts_ms < ${instant(window.to)}`;
  return conditions;
}
