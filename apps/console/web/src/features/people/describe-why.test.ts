import type { RuleNode } from '@tributary/contracts/rule';
import { describeActual, describeWhy } from './describe-why.js';

const performed: RuleNode = { performed: 'page', within: '7d' };
const leaf = { node: 'performed', path: '/rule', holds: true, children: [] };
const child = {} as never;

test('a leaf is described by its rule, a joint by its kind, and what is unknown by its name', () => {
  expect(describeWhy(leaf, performed)).toBe('Page view within 7 days');
  expect(describeWhy({ node: 'and', holds: true }, null)).toBe('All of these');
  expect(describeWhy({ node: 'stay', holds: true }, null)).toBe('Is inside, and stays while the second holds');
  expect(describeWhy({ node: 'geofence', holds: true }, null)).toBe('geofence');
});

test.each([
  [{ ...leaf, actual: 1 }, performed, '1 time'],
  [{ ...leaf, actual: 2_400 }, performed, '2,400 times'],
  [{ ...leaf, actual: null }, performed, '0 times'],
  [{ ...leaf, actual: 52.5 }, { score: 'engagement', op: 'gt', value: 80 } as RuleNode, '52.5'],
  [{ ...leaf, actual: null }, { trait: 'plan', op: 'equals', value: 'pro' } as RuleNode, 'nothing known'],
  [{ ...leaf, actual: ['a'] }, null, '["a"]'],
  [{ ...leaf, actual: true }, null, null],
  [{ ...leaf, actual: { atLeast: 4_096 } }, performed, 'at least 4,096 times'],
  [{ ...leaf, node: 'and', actual: 2, children: [child, child, child] }, null, '2 of 3'],
  [{ ...leaf, node: 'not', actual: 1, children: [child] }, null, null],
  [{ ...leaf, node: 'stay', actual: 'inside', children: [child, child] }, null, null],
  [{ ...leaf, actual: null, children: [child] }, { segment: 'vip' } as RuleNode, null],
])('%j reads "%s"', (why, rule, text) => {
  expect(describeActual(why, rule)).toBe(text);
});
