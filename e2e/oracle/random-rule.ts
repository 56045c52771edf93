// Random rules over all nodes and operators, each of them one that may be saved.
import fc from 'fast-check';
import type { CountTest, Json, RuleNode, SequenceStep, ValueTest, WhereFilter, WindowFields } from '@tributary/contracts/rule';
import type { SegmentDefinition } from '@tributary/domain/segmentation/sql/context';
import { CLUSTER_LABELS, CLUSTER_MODEL, COMPUTED_NUMBER, COMPUTED_TEXT, LISTS } from './random-history.ts';
import { EVENT_NAMES, fewValues, instants, numbers, PROPERTIES, PURPOSES, scalars, slotMs, slots, strings, TRAITS, values, type Scene } from './random-scene.ts';

const SHORT = ['30m', '1h', '2h', '90m', '1d'] as const;
const LONG = ['2d', '3d', '1w', '30d', '36500d', '1s'] as const;
const durations = fc.oneof({ arbitrary: fc.constantFrom(...SHORT), weight: 2 }, { arbitrary: fc.constantFrom(...LONG), weight: 1 });
const PATTERNS = ['a', '^a', 'a$', '[ab]+b', '^.$', '\\d', '^\\D*$', '\\bb', '(a|É)', 'ΟΔ', 'A|1', 'a.b', '\\s', '(?i)A', '\\pL{2}', '^[^a]'] as const;

/** One to three segments; the later may refer to the earlier. */
export function randomSegments(scene: Scene): fc.Arbitrary<readonly SegmentDefinition[]> {
  const definition = (key: string, known: readonly string[]): fc.Arbitrary<SegmentDefinition> =>
    fc.tuple(randomNode(scene, known), fc.option(randomNode(scene, known), { freq: 3 })).map(([rule, stay]) => ({ key, rule, ...(stay ? { stay } : {}) }));
  const one = definition('s1', []);
  const two = fc.tuple(one, definition('s2', ['s1']));
  const three = fc.tuple(one, definition('s2', ['s1']), definition('s3', ['s1', 's2']));
  return fc.oneof({ arbitrary: one.map((only) => [only]), weight: 4 }, { arbitrary: two, weight: 2 }, { arbitrary: three, weight: 1 }).map((list) => JSON.parse(JSON.stringify(list)) as SegmentDefinition[]);
}

function randomNode(scene: Scene, known: readonly string[]): fc.Arbitrary<RuleNode> {
  const leaf = randomLeaf(scene, known);
  const { node } = fc.letrec<{ node: RuleNode }>((tie) => ({
    node: fc.oneof(
      { depthSize: 'small', maxDepth: 3, withCrossShrink: true },
      { arbitrary: leaf, weight: 4 },
      { arbitrary: fc.array(tie('node'), { minLength: 1, maxLength: 3 }).map((and) => ({ and })), weight: 1 },
      { arbitrary: fc.array(tie('node'), { minLength: 1, maxLength: 3 }).map((or) => ({ or })), weight: 1 },
      { arbitrary: tie('node').map((not) => ({ not })), weight: 1 },
    ),
  }));
  return node;
}

function randomLeaf(scene: Scene, known: readonly string[]): fc.Arbitrary<RuleNode> {
  const percents = fc.tuple(fc.constantFrom(0, 10, 33.3, 50), fc.constantFrom(60, 66.6, 99.99, 100));
  const leaves: fc.WeightedArbitrary<RuleNode>[] = [
    { weight: 6, arbitrary: performedNode(scene) },
    { weight: 4, arbitrary: sequenceNode(scene) },
    { weight: 4, arbitrary: traitNode(scene) },
    { weight: 1, arbitrary: countTest(fc.constantFrom(0, 3, 13.333333, 20, 43, 70, 100)).map((test) => ({ score: 'engagement', ...test })) },
    { weight: 1, arbitrary: countTest(fc.constantFrom(0, 1, 2.5)).map((test) => ({ computed: COMPUTED_NUMBER, ...test })) },
    { weight: 1, arbitrary: textTest().map((test) => ({ computed: COMPUTED_TEXT, ...test })) },
    { weight: 1, arbitrary: fc.subarray([...CLUSTER_LABELS, 'none'], { minLength: 1 }).map((labels) => ({ cluster: CLUSTER_MODEL, in: labels })) },
    { weight: 1, arbitrary: fc.constantFrom(...LISTS).map((list) => ({ list })) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...PURPOSES), fc.constantFrom('granted' as const, 'withdrawn' as const)).map(([consent, is]) => ({ consent, is })) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom('exp-1', 'ä', ''), percents).map(([salt, [from, to]]) => ({ random: { salt: salt || 'x', from, to } })) },
    ...(known.length === 0 ? [] : [{ weight: 6, arbitrary: fc.constantFrom(...known).map((segment) => ({ segment })) }]),
  ];
  return fc.oneof(...leaves);
}

function countTest(bounds: fc.Arbitrary<number>): fc.Arbitrary<CountTest> {
  return fc.oneof(
    fc.record({ op: fc.constantFrom('gte' as const, 'gt' as const, 'lt' as const, 'lte' as const, 'equals' as const), value: bounds }),
    fc.tuple(bounds, bounds).map(([a, b]) => ({ op: 'between' as const, value: [Math.min(a, b), Math.max(a, b)] as const })),
  );
}

function windows(scene: Scene): fc.Arbitrary<WindowFields> {
  const instant = slots.chain((slot) => fc.constantFrom(slotMs(scene, slot), new Date(slotMs(scene, slot)).toISOString()));
  return fc.oneof(
    { weight: 5, arbitrary: durations.map((within) => ({ within })) },
    { weight: 2, arbitrary: fc.constantFrom('1d', '2d', '3d', '1w').map((within) => ({ within, calendar: true })) },
    { weight: 1, arbitrary: fc.constantFrom(['1h', '30m'], ['1d', '1h'], ['3d', '1d'], ['30d', '1w']).map(([fromAgo, toAgo]) => ({ fromAgo: fromAgo!, toAgo: toAgo! })) },
    { weight: 1, arbitrary: fc.tuple(slots, fc.integer({ min: 1, max: 96 })).map(([slot, length]) => ({ from: slotMs(scene, slot), to: new Date(slotMs(scene, slot + length)).toISOString() })) },
    { weight: 1, arbitrary: fc.oneof(instant.map((from) => ({ from })), instant.map((to) => ({ to }))) },
    { weight: 1, arbitrary: fc.constant({}) },
  );
}

function performedNode(scene: Scene): fc.Arbitrary<RuleNode> {
  const base = fc.record({ performed: fc.constantFrom(...EVENT_NAMES), where: fc.option(filters(scene), { freq: 2, nil: undefined }), window: windows(scene) });
  const counted = fc.option(countTest(fc.constantFrom(0, 1, 2, 3)), { nil: undefined }).map((count) => (count ? { count } : {}));
  const bounds = fc.oneof(numbers, fc.constantFrom(0.5, 3, 1.000001, 0.000001, 2.1));
  const aggregated = fc
    .tuple(fc.constantFrom('sum' as const, 'avg' as const, 'min' as const, 'max' as const, 'distinct' as const), fc.constantFrom('n', 'n', 'x', 'o.a', 'k'), countTest(bounds))
    .map(([fn, property, test]) => ({ aggregate: { fn, property }, ...test }));
  return fc.tuple(base, fc.oneof({ arbitrary: counted, weight: 2 }, { arbitrary: aggregated, weight: 1 })).map(([{ performed, where, window }, measure]) => ({ performed, ...(where ? { where } : {}), ...window, ...measure }));
}

function filters(scene: Scene): fc.Arbitrary<readonly WhereFilter[]> {
  const filter = fc.tuple(fc.constantFrom(...PROPERTIES), valueTest(scene, { isFilter: true })).map(([property, test]) => ({ property, ...test }));
  return fc.array(filter, { maxLength: 2 });
}

function traitNode(scene: Scene): fc.Arbitrary<RuleNode> {
  const anyTrait = fc.tuple(fc.constantFrom(...TRAITS), valueTest(scene, { isFilter: false })).map(([trait, test]) => ({ trait, ...test }));
  const timed = fc.tuple(fc.constantFrom('inLast' as const, 'inNext' as const, 'notInLast' as const), durations).map(([op, value]) => ({ trait: 'at', op, value }));
  const yearly = fc.constantFrom('0d', '1d', '2d', '1w', '365d', '366d').map((value) => ({ trait: 'birthday', op: 'anniversaryInNext' as const, value }));
  return fc.oneof({ arbitrary: anyTrait, weight: 3 }, { arbitrary: timed, weight: 2 }, { arbitrary: yearly, weight: 1 });
}

function textTest(): fc.Arbitrary<ValueTest> {
  const ignoreCase = fc.constantFrom({}, { ignoreCase: true });
  return fc.oneof(
    fc.tuple(fc.constantFrom('contains' as const, 'startsWith' as const, 'endsWith' as const, 'equals' as const, 'gt' as const), strings, ignoreCase).map(([op, value, more]) => ({ op, value, ...more })),
    fc.tuple(fc.constantFrom(...PATTERNS), ignoreCase).map(([value, more]) => ({ op: 'matches' as const, value, ...more })),
  );
}

function valueTest(scene: Scene, { isFilter }: { readonly isFilter: boolean }): fc.Arbitrary<ValueTest> {
  const wanted = fc.oneof(values, fewValues);
  const absent = fc.constantFrom({}, { absent: true });
  const ordered = fc.constantFrom('gt' as const, 'gte' as const, 'lt' as const, 'lte' as const);
  const inOrder = <T extends Json>(list: fc.Arbitrary<T>, before: (a: T, b: T) => boolean) => fc.tuple(list, list).map(([a, b]): Json => (before(a, b) ? [a, b] : [b, a]));
  const tests: fc.Arbitrary<ValueTest>[] = [
    fc.constantFrom({ op: 'exists' as const }, { op: 'notExists' as const }),
    fc.tuple(fc.constantFrom('equals' as const, 'includes' as const), wanted).map(([op, value]) => ({ op, value })),
    fc.tuple(fc.constant('notEquals' as const), wanted, absent).map(([op, value, more]) => ({ op, value, ...more })),
    fc.tuple(fc.constantFrom('in' as const), fc.array(wanted, { minLength: 1, maxLength: 4 })).map(([op, value]) => ({ op, value })),
    fc.tuple(fc.constantFrom('notIn' as const), fc.array(wanted, { minLength: 1, maxLength: 4 }), absent).map(([op, value, more]) => ({ op, value, ...more })),
    fc.tuple(ordered, fc.oneof(numbers, strings)).map(([op, value]) => ({ op, value })),
    fc.oneof(inOrder(numbers, (a, b) => a <= b), inOrder(fc.constantFrom('', '1', 'a', 'b', '😀'), (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)) <= 0)).map((value) => ({ op: 'between' as const, value })),
    textTest(),
    fc.tuple(fc.constantFrom('equals' as const, 'in' as const, 'includes' as const), scalars).map(([op, value]) => ({ op, value: op === 'in' ? [value] : value, ignoreCase: true })),
    fc.tuple(fc.constantFrom('before' as const, 'after' as const), slots).map(([op, slot]) => ({ op, value: slotMs(scene, slot) })),
  ];
  if (!isFilter) tests.push(fc.tuple(fc.constantFrom('before' as const, 'after' as const), instants(scene).filter((value) => typeof value === 'string' && /^2.*T.*Z$/.test(value))).map(([op, value]) => ({ op, value })));
  return fc.oneof(...tests);
}

function sequenceNode(scene: Scene): fc.Arbitrary<RuleNode> {
  const name = fc.constantFrom('A', 'B', 'page');
  const step = fc.tuple(name, fc.option(fc.constantFrom(...SHORT), { nil: undefined }), fc.option(filters(scene), { freq: 4, nil: undefined }), fc.option(refFilter(), { freq: 2, nil: undefined }), fc.nat());
  const last = fc.tuple(fc.boolean(), fc.constantFrom('30m', '1h', '2h'));
  return fc.tuple(fc.array(step, { minLength: 2, maxLength: 4 }), last, windows(scene)).map(([raw, [isAbsent, absence], window]) => {
    const sequence = raw.map(([performed, within, where, ref, which], i): SequenceStep => {
      const refs = ref && i > 0 ? [{ property: ref.property, op: ref.op, ref: `s${which % i}.${ref.path}` }] : [];
      const all = [...(where ?? []), ...refs];
      return { performed, ...(i < raw.length - 1 ? { as: `s${i}` } : {}), ...(i > 0 && within ? { within } : {}), ...(all.length > 0 ? { where: all } : {}) };
    });
    if (!isAbsent) return { sequence, ...window };
    const ending: SequenceStep = { ...sequence.at(-1)!, within: absence, absent: true };
    // An absence must be shorter than the window of the sequence.
    const wide = window.within !== undefined && !window.calendar ? { within: '1d' } : window.fromAgo !== undefined ? { fromAgo: '3d', toAgo: '1d' } : window;
    return { sequence: [...sequence.slice(0, -1), ending], ...wide };
  });
}

function refFilter(): fc.Arbitrary<{ property: string; op: 'equals' | 'notEquals' | 'gt' | 'gte' | 'lt' | 'lte'; path: string }> {
  return fc.record({ property: fc.constantFrom('k', 'n', 'x', 'name'), op: fc.constantFrom('equals', 'equals', 'notEquals', 'gt', 'gte', 'lt', 'lte'), path: fc.constantFrom('k', 'k', 'n', 'x', 'name') });
}
