import type { RuleNode } from '@tributary/contracts/rule';
import { describeActual, describeWhy } from './describe-why.js';

const performed: RuleNode = { performed: 'page', within: '7d' };
const leaf = { node: 'performed', path: '/rule', children: [] };

test('a leaf is described by its rule, a joint by its kind, and what is unknown by its name', () => {
  expect(describeWhy(leaf, performed)).toBe('Page view within 7 days');
  expect(describeWhy({ node: 'and', path: '/rule' }, null)).toBe('All of these');
  expect(describeWhy({ node: 'geofence', path: '/rule' }, null)).toBe('geofence');
});

test.each([
  [{ ...leaf, actual: 1 }, performed, '1 time'],
  [{ ...leaf, actual: 2_400 }, performed, '2,400 times'],
  [{ ...leaf, actual: null }, performed, '0 times'],
  [{ ...leaf, actual: 52.5 }, { score: 'engagement', op: 'gt', value: 80 } as RuleNode, '52.5'],
  [{ ...leaf, actual: null }, { trait: 'plan', op: 'equals', value: 'pro' } as RuleNode, 'nothing known'],
  [{ ...leaf, actual: ['a'] }, null, '["a"]'],
  [{ ...leaf, actual: true }, null, null],
  [{ ...leaf, actual: null, children: [{} as never] }, null, null],
])('%j reads "%s"', (why, rule, text) => {
  expect(describeActual(why, rule)).toBe(text);
});
