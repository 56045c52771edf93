import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RE2JS } from 're2js';
import type { RuleContext } from './rule-verdict.js';
import { validateRule } from './validate-rule.js';

interface Case {
  readonly name: string;
  readonly definition: { readonly rule: unknown; readonly stay?: unknown };
  readonly errors: readonly { readonly pointer: string; readonly code: string }[];
}

const cases = JSON.parse(readFileSync(join(import.meta.dirname, 'validate-rule.cases.json'), 'utf8')) as readonly Case[];

const trait = { trait: 'plan', op: 'exists' } as const;
const context: RuleContext = {
  scores: new Set(['engagement']),
  computed: new Map([['orders_90d', 'number'], ['favourite', 'text']]),
  clusters: new Map([['rfm', new Set(['best', 'lost'])]]),
  lists: new Set(['imported']),
  segments: new Map<string, { rule: never; stay?: never }>(Object.entries({
    asked: { rule: trait },
    vip: { rule: trait },
    'names-vip': { rule: { segment: 'vip' } },
    'names-asked': { rule: { or: [trait, { segment: 'asked' }] } },
    'stays-by-asked': { rule: trait, stay: { segment: 'names-asked' } },
  }) as never),
  compilePattern: (pattern, { ignoreCase }) => {
    const compiled = RE2JS.compile(pattern, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0);
    return (text) => compiled.matcher(text).find();
  },
};

test.each(cases.map((one) => [one.name, one] as const))('%s', (_name, { definition, errors }) => {
  const verdict = validateRule({ key: 'asked', ...definition }, context);
  expect(verdict.errors.map(({ pointer, code }) => ({ pointer, code }))).toEqual(errors);
  for (const { detail } of verdict.errors) expect(detail).toMatch(/^.{10,}\.$|^Correct the pattern/s);
});

test('a definition without a rule says so', () => {
  expect(validateRule({}, context).errors).toEqual([expect.objectContaining({ pointer: '/rule', code: 'missing_field' })]);
});

test('what has never been seen is allowed, with a warning', () => {
  const seen = { events: new Set(['Order Completed']), traits: new Set(['plan']), properties: new Map([['Order Completed', new Set(['revenue'])]]) };
  const rule = {
    and: [
      { trait: 'plan.tier', op: 'exists' }, { trait: 'pln', op: 'exists' }, { performed: 'Order Complete' },
      { performed: 'Order Completed', where: [{ property: 'revenu', op: 'exists' }], aggregate: { fn: 'sum', property: 'revenue' }, op: 'gt', value: 1 },
      { cluster: 'rfm', in: ['best', 'worst'] },
    ],
  };
  const { errors, warnings } = validateRule({ rule }, { ...context, seen });
  expect(errors).toEqual([]);
  expect(warnings.map(({ pointer, code }) => `${pointer} ${code}`)).toEqual([
    '/rule/and/1/trait trait_never_seen', '/rule/and/2/performed event_never_seen', '/rule/and/3/where/0/property property_never_seen', '/rule/and/4/in/1 label_never_seen',
  ]);
});

test('a rule of a hundred thousand levels is refused, not followed', () => {
  let rule: unknown = trait;
  for (let i = 0; i < 100_000; i += 1) rule = { not: rule };
  expect(validateRule({ rule }, context).errors.map(({ code }) => code)).toEqual(['too_deep']);
});
