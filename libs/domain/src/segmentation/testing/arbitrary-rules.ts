import type { Json, RuleNode, SegmentRule, SequenceStep, ValueTest } from '@tributary/contracts/rule';
import fc from 'fast-check';
import { firstInstantOf } from './naive-days.js';

export const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'America/Sao_Paulo', 'Asia/Kolkata', 'Pacific/Apia'];
/** The night of 29 March 2026: clocks go forward in Europe. */
export const START_MS = firstInstantOf(Date.UTC(2026, 2, 28) / 8.64e7, 'Europe/Berlin');

const oneOf = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const eventName = oneOf('A', 'A', 'A', 'B', 'B', 'page');
const span = oneOf('1s', '2s', '1m', '1h', '1d', '2d', '1w');
const instantText = oneOf<Json>('2026-03-28', '2026-03-29T01:00:00Z', '2026-03-29T03:00:00+02:00', '2024-02-29', START_MS, START_MS + 86_400_000.7, '1990-03-30', 'no instant', '2026-02-30');
const numbers = oneOf<Json>(0, 1, 2, 1.5, -2, 0.1, 0.2, 0.3, 1e-7, 2.5000005, 1e21, 100);
const texts = oneOf<Json>('', 'a', 'b', 'AB', 'ab', 'É', '𝒳', 'ﬀ', 'c@x.example');
export const anyValue: fc.Arbitrary<Json> = oneOf<fc.Arbitrary<Json>>(numbers, texts, oneOf<Json>(null, true, false, [], ['a', 1], { x: 1 }, { y: 'a', x: 1 })).chain((one) => one);

const countTest: fc.Arbitrary<{ op: 'gte' | 'gt' | 'lte' | 'lt' | 'equals' | 'between'; value: number | [number, number] }> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ op: oneOf('gte', 'gt', 'lte', 'lt', 'equals'), value: oneOf(1, 1, 2, 2, 3, 1.5, 2.5, 0) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('between' as const), value: oneOf<[number, number]>([0, 1], [1, 2], [1, 1], [0, 3.5]) }) },
) as never;

const presentTest = fc.oneof(
  fc.record({ op: oneOf('inLast', 'inNext', 'notInLast'), value: span }),
  fc.record({ op: fc.constant('anniversaryInNext'), value: oneOf('0d', '1d', '3d', '1w', '364d', '365d') }),
);
const plainTest = fc.oneof(
  fc.record({ op: oneOf('exists', 'notExists') }),
  fc.record({ op: oneOf('equals', 'includes'), value: anyValue.filter((one) => one !== null) }),
  fc.record({ op: fc.constant('notEquals'), value: oneOf<Json>('a', 1, 'AB'), absent: oneOf(true, false) }),
  fc.record({ op: fc.constant('in'), value: oneOf<Json>(['a', 'b'], [1, 2, 'AB'], [0]), ignoreCase: oneOf(true, false) }),
  fc.record({ op: fc.constant('notIn'), value: oneOf<Json>(['a', 'b'], [1, 2]), absent: oneOf(true, false) }),
  fc.record({ op: oneOf('gt', 'gte', 'lt', 'lte'), value: oneOf<Json>(1, 'a', 0.2, 'ﬀ'), ignoreCase: oneOf(true, false) }),
  fc.record({ op: fc.constant('between'), value: oneOf<Json>([0, 1], ['a', 'b'], [1, 1]) }),
  fc.record({ op: oneOf('contains', 'startsWith', 'endsWith'), value: oneOf<Json>('a', 'b', ''), ignoreCase: oneOf(true, false) }),
  fc.record({ op: fc.constant('matches'), value: oneOf<Json>('^a', 'b$', '.'), ignoreCase: oneOf(true, false) }),
  fc.record({ op: oneOf('before', 'after'), value: oneOf<Json>('2026-03-29', START_MS, '2026-03-28T23:30:00-02:00') }),
) as fc.Arbitrary<ValueTest>;

const windowFields = fc.oneof(
  fc.constant({}),
  fc.record({ within: span }),
  fc.record({ within: span }),
  fc.record({ within: oneOf('1d', '2d', '1w'), calendar: fc.constant(true) }),
  oneOf({ fromAgo: '2s', toAgo: '1s' }, { fromAgo: '1d', toAgo: '1h' }, { fromAgo: '1w', toAgo: '1d' }, { fromAgo: '2d', toAgo: '1d' }),
  oneOf({ from: '2026-03-28' }, { to: START_MS + 1_000 }, { from: START_MS, to: START_MS + 86_400_000 }),
);

const path = oneOf('p', 'q', 'o.x', 'name');
const whereFilters = fc.array(fc.tuple(path, fc.oneof(plainTest, fc.constant({ op: 'exists' } as ValueTest), fc.constant({ op: 'notEquals', value: 'zz', absent: true } as ValueTest))).map(([property, test]) => ({ property, ...test })), { maxLength: 2 });
const traitPath = oneOf('plan', 'age', 'trial', 'tags', 'address.city', 'birthday');

const sequence = fc.record({
  steps: fc.array(fc.record({ performed: eventName, within: fc.option(span, { nil: undefined }), where: fc.option(whereFilters, { nil: undefined, freq: 1 }), refers: oneOf(true, false, false), op: oneOf('equals', 'notEquals', 'gt', 'lte') }), { minLength: 2, maxLength: 3 }),
  absent: fc.boolean(),
  window: windowFields,
}).map(({ steps, absent, window }): RuleNode => {
  const windowSpans: Record<string, number> = { '1s': 1, '2s': 2, '1m': 60, '1h': 3600, '1d': 86400, '2d': 172800, '1w': 604800 };
  const whole = (window as { within?: string; fromAgo?: string }).within ?? (window as { fromAgo?: string }).fromAgo;
  const made = steps.map((step, i): SequenceStep => {
    const last = i === steps.length - 1;
    const refs = step.refers && i > 0 ? [{ property: 'p', op: step.op as 'equals', ref: `s${i - 1}.p` }] : [];
    const within = i === 0 ? undefined : last && absent ? '1s' : step.within;
    return {
      performed: step.performed, as: `s${i}`, ...(within !== undefined && { within }), ...((step.where || refs.length > 0) && { where: [...(step.where ?? []), ...refs] }),
      ...(last && absent && (whole === undefined || windowSpans[whole]! > 1) && { absent: true as const }),
    } as SequenceStep;
  });
  return { sequence: made, ...window };
});

function leaf(earlier: readonly string[]): fc.Arbitrary<RuleNode> {
  const performed = fc.tuple(eventName, windowFields, countTest).map(([name, window, count]) => ({ performed: name, ...window, count }));
  const leaves: fc.Arbitrary<unknown>[] = [
    performed, performed, performed, sequence, sequence,
    fc.tuple(traitPath, fc.oneof(plainTest, presentTest as fc.Arbitrary<ValueTest>)).map(([trait, test]) => ({ trait, ...test })),
    fc.tuple(oneOf('trial', 'birthday'), presentTest).map(([trait, test]) => ({ trait, ...test })),
    fc.tuple(eventName, windowFields, fc.option(countTest, { nil: undefined }), fc.option(whereFilters, { nil: undefined, freq: 2 }))
      .map(([performed, window, count, where]) => ({ performed, ...window, ...(count && { count }), ...(where && { where }) })),
    fc.tuple(eventName, windowFields, oneOf('sum', 'avg', 'min', 'max', 'distinct'), path, countTest)
      .map(([performed, window, fn, property, test]) => ({ performed, ...window, aggregate: { fn, property }, ...test })),
    sequence,
    fc.tuple(oneOf('engagement', 'risk'), countTest).map(([score, test]) => ({ score, ...test })),
    fc.tuple(oneOf('orders', 'label'), plainTest).map(([computed, test]) => ({ computed, ...test })),
    oneOf({ cluster: 'rfm', in: ['best'] }, { cluster: 'rfm', in: ['best', 'lost'] }, { list: 'vips' }, { random: { salt: 'x', from: 0, to: 50 } }),
    fc.record({ consent: oneOf('email_marketing', 'profiling'), is: oneOf('granted', 'withdrawn') }),
  ];
  if (earlier.length > 0) leaves.push(fc.record({ segment: oneOf(...earlier) }));
  return fc.oneof(...leaves) as fc.Arbitrary<RuleNode>;
}

export function rule(earlier: readonly string[], depth = 2): fc.Arbitrary<RuleNode> {
  if (depth === 0) return leaf(earlier);
  const inner = rule(earlier, depth - 1);
  return fc.oneof(
    { weight: 4, arbitrary: leaf(earlier) },
    { weight: 1, arbitrary: inner.map((not) => ({ not })) },
    { weight: 1, arbitrary: fc.array(inner, { minLength: 1, maxLength: 3 }).map((and) => ({ and })) },
    { weight: 1, arbitrary: fc.array(inner, { minLength: 1, maxLength: 3 }).map((or) => ({ or })) },
  );
}

/** One to `max` segments; later ones may name earlier ones. */
export function segments(max = 3): fc.Arbitrary<SegmentRule[]> {
  const one = (i: number): fc.Arbitrary<SegmentRule> => {
    const earlier = Array.from({ length: i }, (_, k) => `s${k}`);
    return fc.record({ rule: rule(earlier), stay: fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 2, arbitrary: rule(earlier, 1) }) })
      .map(({ rule: made, stay }) => ({ key: `s${i}`, version: 1, rule: made, ...(stay && { stay }) }));
  };
  return fc.integer({ min: 1, max }).chain((count) => fc.tuple(...Array.from({ length: count }, (_, i) => one(i)))) as fc.Arbitrary<SegmentRule[]>;
}

export const arbitraryValues = { eventName, anyValue, instantText, span };
