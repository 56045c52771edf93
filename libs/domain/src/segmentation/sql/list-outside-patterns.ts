import type { RuleNode, ValueTest } from '@tributary/contracts/rule';
import { eventsNamed, propertyOf } from './compile-performed.js';
import { readPath } from './compile-value-test.js';
import type { OutsidePattern, SegmentDefinition, SqlContext } from './context.js';
import { ofWorkspace, type Compilation } from './frame.js';
import { Parameters } from './parameters.js';
import { translatePattern } from './translate-pattern.js';

export interface PatternCandidates extends OutsidePattern {
  /** Rows `(value text)`: the distinct strings that the pattern is about. */
  readonly text: string;
  readonly values: readonly unknown[];
}

/**
 * The patterns that SQL cannot say, each with the query for the strings to match. The caller runs the queries, matches
 * what they give by RE2, and hands the matched strings over as `SqlContext.matches`. Give all segments that take part.
 */
export function listOutsidePatterns(segments: readonly SegmentDefinition[], context: SqlContext): PatternCandidates[] {
  const sources = new Map<string, { readonly test: ValueTest; readonly queries: ((compilation: Compilation) => string)[] }>();
  for (const { test, query } of segments.flatMap(({ rule, stay }) => [...patternsOf(rule), ...(stay ? patternsOf(stay) : [])])) {
    const key = JSON.stringify([test.value, test.ignoreCase ?? false]);
    const found = sources.get(key) ?? { test, queries: [] };
    found.queries.push(query);
    sources.set(key, found);
  }
  return [...sources.values()].map(({ test, queries }) => {
    const compilation = { context, parameters: new Parameters(), definitions: new Map() };
    const text = queries.map((query) => `SELECT DISTINCT rules.str(v.value) AS value FROM (${query(compilation)}) v WHERE rules.str(v.value) IS NOT NULL`).join(' UNION ');
    return { pattern: test.value as string, ignoreCase: test.ignoreCase ?? false, text, values: compilation.parameters.values };
  });
}

interface PatternUse {
  readonly test: ValueTest;
  readonly query: (compilation: Compilation) => string;
}

function patternsOf(node: RuleNode): PatternUse[] {
  if ('and' in node) return node.and.flatMap(patternsOf);
  if ('or' in node) return node.or.flatMap(patternsOf);
  if ('not' in node) return patternsOf(node.not);
  if ('trait' in node) {
    const [trait, ...keys] = node.trait.split('.');
    return used(node, (compilation) => {
      const value = readPath(compilation, `e.body -> 'traits' -> ${compilation.parameters.text(trait!)}`, keys);
      return `SELECT ${value} AS value FROM ${compilation.context.relations.events} e WHERE ${ofWorkspace(compilation, 'e')} AND e.type = 'identify'`;
    });
  }
  if ('computed' in node) {
    return used(node, (compilation) => {
      const { parameters, context } = compilation;
      return `SELECT c.value FROM ${context.relations.computed} c WHERE ${ofWorkspace(compilation, 'c')} AND c.key = ${parameters.text(node.computed)}`;
    });
  }
  const steps = 'performed' in node ? [node] : 'sequence' in node ? node.sequence : [];
  return steps.flatMap(({ performed, where = [] }) =>
    where.flatMap((filter) => ('ref' in filter ? [] : used(filter, (compilation) =>
      `SELECT ${propertyOf(compilation, 'e', performed, filter.property)} AS value FROM ${compilation.context.relations.events} e WHERE ${eventsNamed(compilation, 'e', performed)}`))),
  );
}

function used(test: ValueTest, query: PatternUse['query']): PatternUse[] {
  if (test.op !== 'matches' || typeof test.value !== 'string') return [];
  return translatePattern({ pattern: test.value, ignoreCase: test.ignoreCase ?? false }) === undefined ? [{ test, query }] : [];
}
