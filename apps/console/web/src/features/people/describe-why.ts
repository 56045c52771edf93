import type { RuleNode } from '@tributary/contracts/rule';
import type { Why } from '../../api/segments.js';
import { formatCount, formatDecimal } from '../../format/format-number.js';
import { describeRule } from '../rules/describe-rule.js';

const JOINTS: { readonly [kind: string]: string } = { and: 'All of these', or: 'Any of these', not: 'Not' };

/** A node of the answer as a sentence; of the kinds that a page does not know, their name. */
export function describeWhy(why: Pick<Why, 'node' | 'holds'>, rule: RuleNode | null): string {
  if (rule !== null) return describeRule(rule);
  const kind = typeof why.node === 'string' ? why.node : 'rule';
  // A segment with two rules: which one counts depends on whether the person is inside.
  if (kind === 'stay') return why.holds ? 'Is inside, and stays while the second holds' : 'Is outside, and enters when both hold';
  return JOINTS[kind] ?? kind;
}

/** What the node's value is for this person; null where the node has none of its own. */
export function describeActual(why: Pick<Why, 'actual' | 'children' | 'node'>, rule: RuleNode | null): string | null {
  const { actual, children } = why;
  if (children.length > 0 && rule === null) return typeof actual === 'number' && children.length > 1 ? `${actual} of ${children.length}` : null;
  if (typeof actual === 'boolean' || (actual === null && children.length > 0)) return null;
  const isCount = rule !== null && 'performed' in rule && rule.aggregate === undefined;
  if (actual === null) return isCount ? '0 times' : 'nothing known';
  if (typeof actual === 'number') return isCount ? `${formatCount(actual)} ${actual === 1 ? 'time' : 'times'}` : formatDecimal(actual);
  if (typeof actual === 'object' && 'atLeast' in actual) return `at least ${formatCount(Number(actual['atLeast']))} times`;
  return typeof actual === 'string' ? actual : JSON.stringify(actual);
}
