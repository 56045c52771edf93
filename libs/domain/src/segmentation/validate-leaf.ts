import { child, isObject, type JsonObject, type RuleCheck } from './rule-verdict.js';
import { validateSequence } from './validate-sequence.js';
import { TEST_FIELDS, validateCount, validateTest } from './validate-test.js';
import { validateWindow, WINDOW_FIELDS } from './validate-window.js';

export const FILTERS_MAX = 100;

type LeafKind = 'trait' | 'performed' | 'sequence' | 'score' | 'computed' | 'cluster' | 'segment' | 'list' | 'consent' | 'random';

const VALIDATORS: Readonly<Record<LeafKind, (node: JsonObject, pointer: string, check: RuleCheck) => void>> = {
  trait: validateTrait,
  performed: validatePerformed,
  sequence: validateSequence,
  score: validateScore,
  computed: validateComputed,
  cluster: validateCluster,
  segment: (node, pointer, check) => validateName(node, 'segment', pointer, { names: check.context.segments, code: 'unknown_segment', check }),
  list: (node, pointer, check) => validateName(node, 'list', pointer, { names: check.context.lists, code: 'unknown_list', check }),
  consent: validateConsent,
  random: validateRandom,
};

export const LEAF_KINDS = Object.keys(VALIDATORS);

export function validateLeaf(node: JsonObject, kind: string, pointer: string, check: RuleCheck): void {
  VALIDATORS[kind as LeafKind](node, pointer, check);
}

function validateTrait(node: JsonObject, pointer: string, check: RuleCheck): void {
  check.onlyFields(node, pointer, ['trait', ...TEST_FIELDS]);
  const named = check.text(node, 'trait', pointer);
  validateTest(node, pointer, 'trait', check);
  if (!named) return;
  const root = (node['trait'] as string).split('.')[0]!;
  if (check.context.seen && !check.context.seen.traits.has(root)) {
    check.warn(child(pointer, 'trait'), 'trait_never_seen', `No identify call has carried the trait "${root}" yet.`);
  }
}

function validatePerformed(node: JsonObject, pointer: string, check: RuleCheck): void {
  const hasAggregate = node['aggregate'] !== undefined;
  check.onlyFields(node, pointer, ['performed', ...WINDOW_FIELDS, 'where', ...(hasAggregate ? ['aggregate', 'op', 'value', 'count'] : ['count', 'aggregate'])]);
  validateEvent(node, pointer, check);
  validateWindow(node, pointer, check);
  validateWhere(node, pointer, { check, refsAllowed: false });
  if (hasAggregate) validateAggregate(node, pointer, check);
  if (node['count'] === undefined) return;
  const at = child(pointer, 'count');
  if (hasAggregate) check.refuse(at, 'not_allowed', 'Remove "count": the aggregate is compared by "op" and "value" beside it.');
  else if (!isObject(node['count'])) check.refuse(at, 'wrong_type', 'Give "count" as an object such as {"op":"gte","value":3}.');
  else {
    check.onlyFields(node['count'], at, ['op', 'value']);
    validateCount(node['count'], at, check);
  }
}

/** The event's name of a `performed` node or a sequence step; false where it is refused. */
export function validateEvent(node: JsonObject, pointer: string, check: RuleCheck): boolean {
  if (!check.text(node, 'performed', pointer)) return false;
  const name = node['performed'] as string;
  if (check.context.seen && !check.context.seen.events.has(name)) {
    check.warn(child(pointer, 'performed'), 'event_never_seen', `No source has sent the event "${name}" yet.`);
  }
  return true;
}

export function validateWhere(node: JsonObject, pointer: string, at: { readonly check: RuleCheck; readonly refsAllowed: boolean }): void {
  const { check } = at;
  const { where } = node;
  if (where === undefined) return;
  const place = child(pointer, 'where');
  if (!Array.isArray(where)) {
    check.refuse(place, 'wrong_type', 'Give "where" as a list of filters such as {"property":"revenue","op":"gte","value":100}.');
    return;
  }
  if (where.length > FILTERS_MAX) check.refuse(place, 'too_long', `Give at most ${FILTERS_MAX} filters.`);
  where.slice(0, FILTERS_MAX).forEach((filter: unknown, i) => {
    const here = child(place, i);
    if (!isObject(filter)) {
      check.refuse(here, 'wrong_type', 'Give a filter such as {"property":"revenue","op":"gte","value":100}.');
      return;
    }
    if (at.refsAllowed && filter['ref'] !== undefined) return;
    check.onlyFields(filter, here, ['property', ...TEST_FIELDS]);
    warnOfProperty(filter, here, { event: node['performed'], named: check.text(filter, 'property', here), check });
    validateTest(filter, here, 'where', check);
  });
}

function warnOfProperty(filter: JsonObject, pointer: string, at: { readonly event: unknown; readonly named: boolean; readonly check: RuleCheck }): void {
  const known = typeof at.event === 'string' ? at.check.context.seen?.properties.get(at.event) : undefined;
  if (!known || !at.named) return;
  const root = (filter['property'] as string).split('.')[0]!;
  if (!known.has(root)) at.check.warn(child(pointer, 'property'), 'property_never_seen', `No event "${String(at.event)}" has carried the property "${root}" yet.`);
}

function validateAggregate(node: JsonObject, pointer: string, check: RuleCheck): void {
  const at = child(pointer, 'aggregate');
  const { aggregate } = node;
  if (!isObject(aggregate)) check.refuse(at, 'wrong_type', 'Give "aggregate" as an object such as {"fn":"sum","property":"revenue"}.');
  else {
    check.onlyFields(aggregate, at, ['fn', 'property']);
    const fns = ['sum', 'avg', 'min', 'max', 'distinct'];
    if (aggregate['fn'] === undefined) check.refuse(child(at, 'fn'), 'missing_field', `Give "fn" as one of: ${fns.join(', ')}.`);
    else if (typeof aggregate['fn'] !== 'string') check.refuse(child(at, 'fn'), 'wrong_type', `Give "fn" as one of: ${fns.join(', ')}.`);
    else if (!fns.includes(aggregate['fn'])) check.refuse(child(at, 'fn'), 'unknown_operator', `Give "fn" as one of: ${fns.join(', ')}.`);
    warnOfProperty(aggregate, at, { event: node['performed'], named: check.text(aggregate, 'property', at), check });
  }
  validateCount(node, pointer, check);
}

function validateScore(node: JsonObject, pointer: string, check: RuleCheck): void {
  check.onlyFields(node, pointer, ['score', 'op', 'value']);
  if (check.text(node, 'score', pointer) && !check.context.scores.has(node['score'] as string)) {
    check.refuse(child(pointer, 'score'), 'unknown_score', `There is no score model "${String(node['score'])}". Known: ${listed(check.context.scores)}.`);
  }
  validateCount(node, pointer, check);
}

function validateComputed(node: JsonObject, pointer: string, check: RuleCheck): void {
  check.onlyFields(node, pointer, ['computed', ...TEST_FIELDS]);
  const type = check.text(node, 'computed', pointer) ? check.context.computed.get(node['computed'] as string) : 'text';
  if (type === undefined) {
    check.refuse(child(pointer, 'computed'), 'unknown_computed_trait', `There is no computed trait "${String(node['computed'])}". Known: ${listed(check.context.computed.keys())}.`);
  }
  if (type === 'text') validateTest(node, pointer, 'trait', check);
  else if (type === 'number') {
    for (const option of ['ignoreCase', 'absent']) {
      if (node[option] !== undefined) check.refuse(child(pointer, option), 'not_allowed', `Remove "${option}": the computed trait is a number.`);
    }
    validateCount(node, pointer, check);
  }
}

function validateCluster(node: JsonObject, pointer: string, check: RuleCheck): void {
  check.onlyFields(node, pointer, ['cluster', 'in']);
  const known = check.text(node, 'cluster', pointer) ? check.context.clusters.get(node['cluster'] as string) : undefined;
  if (typeof node['cluster'] === 'string' && node['cluster'] !== '' && !known) {
    check.refuse(child(pointer, 'cluster'), 'unknown_cluster_model', `There is no cluster model "${node['cluster']}". Known: ${listed(check.context.clusters.keys())}.`);
  }
  const at = child(pointer, 'in');
  const labels = node['in'];
  if (labels === undefined) check.refuse(at, 'missing_field', 'Give "in" as a list of labels.');
  else if (!Array.isArray(labels)) check.refuse(at, 'wrong_type', 'Give "in" as a list of labels.');
  else if (labels.length === 0) check.refuse(at, 'empty_list', 'Give "in" at least one label.');
  else {
    labels.forEach((label: unknown, i) => {
      if (typeof label !== 'string') check.refuse(child(at, i), 'wrong_type', 'Give the label as a text.');
      else if (known && known.size > 0 && !known.has(label)) check.warn(child(at, i), 'label_never_seen', `The model has no label "${label}" now. It has: ${listed(known)}.`);
    });
  }
}

function validateName(node: JsonObject, field: 'segment' | 'list', pointer: string, at: { readonly names: { has(name: string): boolean }; readonly code: 'unknown_segment' | 'unknown_list'; readonly check: RuleCheck }): void {
  at.check.onlyFields(node, pointer, [field]);
  if (!at.check.text(node, field, pointer) || at.names.has(node[field] as string)) return;
  at.check.refuse(child(pointer, field), at.code, `There is no ${field} "${String(node[field])}" in this workspace. Create it first.`);
}

function validateConsent(node: JsonObject, pointer: string, check: RuleCheck): void {
  check.onlyFields(node, pointer, ['consent', 'is']);
  check.text(node, 'consent', pointer);
  const at = child(pointer, 'is');
  if (node['is'] === undefined) check.refuse(at, 'missing_field', 'Give "is" as "granted" or "withdrawn".');
  else if (node['is'] !== 'granted' && node['is'] !== 'withdrawn') check.refuse(at, 'wrong_type', 'Give "is" as "granted" or "withdrawn".');
}

function validateRandom(node: JsonObject, pointer: string, check: RuleCheck): void {
  check.onlyFields(node, pointer, ['random']);
  const at = child(pointer, 'random');
  const { random } = node;
  if (!isObject(random)) {
    check.refuse(at, 'wrong_type', 'Give "random" as an object such as {"salt":"exp-1","from":0,"to":10}.');
    return;
  }
  check.onlyFields(random, at, ['salt', 'from', 'to']);
  if (random['salt'] === undefined) check.refuse(child(at, 'salt'), 'missing_field', 'Give "salt" as a text.');
  else if (typeof random['salt'] !== 'string') check.refuse(child(at, 'salt'), 'wrong_type', 'Give "salt" as a text.');
  for (const end of ['from', 'to']) {
    if (random[end] === undefined) check.refuse(child(at, end), 'missing_field', `Give "${end}" as a percentage.`);
    else if (typeof random[end] !== 'number') check.refuse(child(at, end), 'wrong_type', `Give "${end}" as a percentage.`);
  }
  const { from, to } = random;
  if (typeof from !== 'number' || typeof to !== 'number') return;
  if (!(from >= 0)) check.refuse(child(at, 'from'), 'invalid_range', 'Give a "from" of at least 0.');
  if (!(to <= 100)) check.refuse(child(at, 'to'), 'invalid_range', 'Give a "to" of at most 100.');
  if (!(from < to)) check.refuse(child(at, 'to'), 'invalid_range', 'Give a "to" above "from".');
}

function listed(names: Iterable<string>): string {
  const all = [...names];
  return all.length === 0 ? 'none' : all.slice(0, 20).join(', ');
}
