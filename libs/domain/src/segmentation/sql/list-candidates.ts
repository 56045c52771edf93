import type { RuleNode, SequenceNode, TraitNode, ValueTest, WindowFields } from '@tributary/contracts/rule';
import { isScored } from './compile-engagement.js';
import { eventsNamed } from './compile-performed.js';
import { readPath } from './compile-value-test.js';
import { workspaceZone } from './compile-zones.js';
import type { SegmentDefinition } from './context.js';
import { definitionOf, ofWorkspace, scoreModelOf, type Compilation } from './frame.js';
import { readDays, readDurationMs } from './read-duration.js';

/**
 * Queries for `(profile_id, at_ms bigint)`: every instant at which a condition of the segment can change its answer
 * by time alone. More than those is harmless, fewer is not.
 */
export function listCandidates(compilation: Compilation, segment: SegmentDefinition, upTo: string): string[] {
  const queries = leavesOf(compilation, segment).flatMap((leaf) => candidatesOf(compilation, leaf, upTo));
  return [...new Set(queries)];
}

/** Condition: the segment can see the event, so that its answer may change when the event becomes known. */
export function relevantEvents(compilation: Compilation, segment: SegmentDefinition, e: string): string {
  const conditions = leavesOf(compilation, segment).flatMap((leaf) => {
    const named = namesOf(leaf).map((name) => eventsNamed(compilation, e, name));
    const scored = 'score' in leaf ? [isScored(e)] : [];
    const traits = 'trait' in leaf || hasCalendar(leaf) || ('op' in leaf && leaf.op === 'anniversaryInNext') ? [`${e}.type = 'identify'`] : [];
    return [...named, ...scored, ...traits];
  });
  return `(${conditions.length === 0 ? 'false' : [...new Set(conditions)].join(' OR ')})`;
}

type Leaf = Exclude<RuleNode, { and: unknown } | { or: unknown } | { not: unknown } | { segment: string }>;

function leavesOf(compilation: Compilation, { rule, stay }: SegmentDefinition): Leaf[] {
  const visit = (node: RuleNode): Leaf[] => {
    if ('and' in node) return node.and.flatMap(visit);
    if ('or' in node) return node.or.flatMap(visit);
    if ('not' in node) return visit(node.not);
    if ('segment' in node) return leavesOf(compilation, definitionOf(compilation, node.segment));
    return [node];
  };
  return [...visit(rule), ...(stay ? visit(stay) : [])];
}

function namesOf(leaf: Leaf): string[] {
  if ('performed' in leaf) return [leaf.performed];
  if ('sequence' in leaf) return leaf.sequence.map(({ performed }) => performed);
  return 'consent' in leaf ? ['Consent Updated'] : [];
}

function hasCalendar(leaf: Leaf): boolean {
  return 'calendar' in leaf && leaf.calendar === true;
}

function candidatesOf(compilation: Compilation, leaf: Leaf, upTo: string): string[] {
  if ('performed' in leaf) return windowEnds(compilation, leaf, [leaf.performed]);
  if ('sequence' in leaf) return [...windowEnds(compilation, leaf, namesOf(leaf)), ...absenceEnds(compilation, leaf)];
  if ('trait' in leaf) return traitInstants(compilation, leaf, upTo);
  if ('score' in leaf) return scoreEnds(compilation, leaf.score);
  const { relations } = compilation.context;
  const { parameters } = compilation;
  if ('computed' in leaf) {
    const condition = `r.key = ${parameters.text(leaf.computed)}`;
    const values = `SELECT r.profile_id, r.from_ms AS appended_ms, r.value FROM ${relations.computed} r WHERE ${ofWorkspace(compilation, 'r')} AND ${condition}`;
    return [...pieces(compilation, relations.computed, condition), ...instantsOf(compilation, values, leaf, upTo)];
  }
  if ('cluster' in leaf) return pieces(compilation, relations.clusters, `r.model = ${parameters.text(leaf.cluster)}`);
  if ('list' in leaf) return pieces(compilation, relations.lists, `r.list = ${parameters.text(leaf.list)}`);
  if ('consent' in leaf && relations.mergedWithdrawals) {
    return [`SELECT m.profile_id, m.merged_ms AS at_ms FROM ${relations.mergedWithdrawals} m WHERE ${ofWorkspace(compilation, 'm')}`];
  }
  return [];
}

function windowEnds(compilation: Compilation, window: WindowFields, names: readonly string[]): string[] {
  const { parameters, context } = compilation;
  return [...new Set(names)].flatMap((name) => {
    const named = eventsNamed(compilation, 'e', name);
    if (window.calendar) {
      const days = readDays(window.within!);
      return [
        `SELECT e.profile_id, rules.day_start(rules.local_day(e.ts_ms, z.zone) + ${days}, z.zone) AS at_ms FROM ${context.relations.events} e JOIN (${everyZone(compilation)}) z ON z.profile_id = e.profile_id WHERE ${named}`,
      ];
    }
    return [window.within, window.fromAgo, window.toAgo]
      .filter((duration) => duration !== undefined)
      .map((duration) => `SELECT e.profile_id, e.ts_ms + ${parameters.integer(readDurationMs(duration))} AS at_ms FROM ${context.relations.events} e WHERE ${named}`);
  });
}

function absenceEnds(compilation: Compilation, { sequence }: SequenceNode): string[] {
  const last = sequence.at(-1)!;
  return last.absent ? windowEnds(compilation, { within: last.within! }, [sequence.at(-2)!.performed]) : [];
}

function traitInstants(compilation: Compilation, leaf: TraitNode, upTo: string): string[] {
  const [trait, ...keys] = leaf.trait.split('.');
  const value = readPath(compilation, `e.body -> 'traits' -> ${compilation.parameters.text(trait!)}`, keys);
  const values = `SELECT e.profile_id, e.appended_ms, ${value} AS value FROM ${compilation.context.relations.events} e WHERE ${ofWorkspace(compilation, 'e')} AND e.type = 'identify'`;
  return instantsOf(compilation, values, leaf, upTo);
}

/** When a time op on one of `values` (profile_id, appended_ms, value) begins or ceases to hold. */
function instantsOf(compilation: Compilation, values: string, test: ValueTest, upTo: string): string[] {
  const { parameters } = compilation;
  if (test.op === 'anniversaryInNext') {
    const days = readDays(test.value as string);
    const year = (ms: string) => `extract(year FROM to_timestamp(${ms} / 1000))::int`;
    return [`- ${days}`, '+ 1'].map(
      (shift) => `SELECT v.profile_id, rules.day_start(rules.anniversary_in(y, v.month_day) ${shift}, z.zone) AS at_ms
        FROM (SELECT e.profile_id, e.appended_ms, rules.month_day(e.value) AS month_day FROM (${values}) e OFFSET 0) v
        JOIN (${everyZone(compilation)}) z ON z.profile_id = v.profile_id CROSS JOIN generate_series(${year('v.appended_ms')} - 1, ${year(upTo)} + 2) AS y
        WHERE v.month_day IS NOT NULL`,
    );
  }
  if (test.op !== 'inLast' && test.op !== 'notInLast' && test.op !== 'inNext') return [];
  const span = parameters.integer(readDurationMs(test.value as string));
  return ['', `${test.op === 'inNext' ? '-' : '+'} ${span}`].map(
    (shift) => `SELECT v.profile_id, v.instant::bigint ${shift} AS at_ms FROM (SELECT e.profile_id, rules.instant(e.value) AS instant FROM (${values}) e OFFSET 0) v
      WHERE abs(v.instant) < 1e16`,
  );
}

function scoreEnds(compilation: Compilation, key: string): string[] {
  const { parameters, context } = compilation;
  const model = scoreModelOf(compilation, key);
  return [
    `SELECT e.profile_id, e.ts_ms + CASE e.type WHEN 'page' THEN ${parameters.integer(model.visitWindowMs)} ELSE ${parameters.integer(model.mailWindowMs)} END AS at_ms
      FROM ${context.relations.events} e WHERE ${ofWorkspace(compilation, 'e')} AND ${isScored('e')}`,
  ];
}

function pieces(compilation: Compilation, relation: string, condition: string): string[] {
  return ['from_ms', 'to_ms'].map(
    (end) => `SELECT r.profile_id, r.${end} AS at_ms FROM ${relation} r WHERE ${ofWorkspace(compilation, 'r')} AND ${condition} AND r.${end} IS NOT NULL`,
  );
}

/** Every zone that a person has ever had: which of them counts at a candidate is decided when it is evaluated. */
function everyZone(compilation: Compilation): string {
  const { context } = compilation;
  return `SELECT f.profile_id, ${workspaceZone(compilation)} AS zone FROM ${context.relations.profiles} f WHERE ${ofWorkspace(compilation, 'f')}
    UNION SELECT i.profile_id, n.zone FROM ${context.relations.events} i JOIN rules.time_zones n ON n.name = rules.str(i.body -> 'traits' -> 'timezone')
      WHERE ${ofWorkspace(compilation, 'i')} AND i.type = 'identify'`;
}
