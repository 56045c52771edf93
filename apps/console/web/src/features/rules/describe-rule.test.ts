import type { RuleNode } from '@tributary/contracts/rule';
import cases from './describe-rule.cases.json' with { type: 'json' };
import { describeRule } from './describe-rule.js';

test.each(cases as unknown as { rule: RuleNode; text: string }[])('$text', ({ rule, text }) => {
  expect(describeRule(rule)).toBe(text);
});
