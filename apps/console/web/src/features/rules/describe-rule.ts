import type { CountOp, Json, PerformedNode, RuleNode, SequenceNode, ValueTest, WindowFields } from '@tributary/contracts/rule';

/** A leaf of a rule as a sentence; and, or, not as what holds their children together. */
export function describeRule(node: RuleNode): string {
  if ('and' in node) return 'All of these';
  if ('or' in node) return 'Any of these';
  if ('not' in node) return 'Not';
  if ('trait' in node) return `${node.trait} ${describeTest(node)}`;
  if ('performed' in node) return describePerformed(node);
  if ('sequence' in node) return describeSequence(node);
  if ('score' in node) return `${capital(node.score)} score ${describeCount(node.op, node.value)}`;
  if ('computed' in node) return `${node.computed} ${describeTest(node)}`;
  if ('cluster' in node) return `Cluster ${node.cluster} is ${listOf(node.in, 'or')}`;
  if ('segment' in node) return `In segment ${node.segment}`;
  if ('list' in node) return `On list ${node.list}`;
  if ('consent' in node) return `Consent to ${node.consent} ${node.is}`;
  return `In the sample from ${node.random.from} % to ${node.random.to} % of ${node.random.salt}`;
}

/** The parts of and, or, not. */
export function partsOf(node: RuleNode): readonly RuleNode[] {
  if ('and' in node) return node.and;
  if ('or' in node) return node.or;
  return 'not' in node ? [node.not] : [];
}

function describePerformed(node: PerformedNode): string {
  const name = eventName(node.performed);
  const where = (node.where ?? []).map((filter) => `${filter.property} ${describeTest(filter)}`).join(' and ');
  const when = describeWindow(node);
  const rest = `${where === '' ? '' : `, where ${where},`}${when === '' ? '' : ` ${when}`}`;
  if (node.aggregate !== undefined) {
    const { fn, property } = node.aggregate;
    const what = { sum: 'Sum', avg: 'Average', min: 'Lowest', max: 'Highest', distinct: 'Number of different' }[fn];
    return `${what}${fn === 'sum' || fn === 'avg' ? ' of' : ''} ${property} in ${name}${rest} ${describeCount(node.op ?? 'gte', node.value ?? 0)}`;
  }
  const { op, value } = node.count ?? { op: 'gte', value: 1 };
  if ((op === 'lt' && value === 1) || (op === 'equals' && value === 0)) return `No ${name}${rest}`;
  if (op === 'gte' && value === 1) return `${name}${rest}`;
  return `${name} ${describeTimes(op, value)}${rest}`;
}

function describeSequence(node: SequenceNode): string {
  const steps = node.sequence.map((step, at) => {
    const within = step.within === undefined ? '' : ` within ${describeSpan(step.within)}`;
    return `${at === 0 ? '' : 'then '}${step.absent ? 'no ' : ''}${eventName(step.performed)}${within}`;
  });
  const when = describeWindow(node);
  return `${steps.join(', ')}${when === '' ? '' : `, all ${when}`}`;
}

function describeTest({ op, value = null }: ValueTest): string {
  switch (op) {
    case 'equals': return `is ${show(value)}`;
    case 'notEquals': return `is not ${show(value)}`;
    case 'in': return `is ${listOf(value, 'or')}`;
    case 'notIn': return `is neither ${listOf(value, 'nor')}`;
    case 'exists': return 'is known';
    case 'notExists': return 'is not known';
    case 'gt': case 'gte': case 'lt': case 'lte': case 'between': return describeCount(op, value);
    case 'contains': case 'includes': return `contains ${show(value)}`;
    case 'startsWith': return `starts with ${show(value)}`;
    case 'endsWith': return `ends with ${show(value)}`;
    case 'matches': return `matches ${show(value)}`;
    case 'before': return `is before ${show(value)}`;
    case 'after': return `is after ${show(value)}`;
    case 'inLast': return `was in the last ${describeSpan(value)}`;
    case 'inNext': return `is in the next ${describeSpan(value)}`;
    case 'notInLast': return `was not in the last ${describeSpan(value)}`;
    case 'anniversaryInNext': return value === '0d' ? 'has its anniversary today' : `has its anniversary within ${describeSpan(value)}`;
  }
}

function describeCount(op: CountOp, value: unknown): string {
  if (op === 'between' && Array.isArray(value)) return `from ${show(value[0])} to ${show(value[1])}`;
  const words = { gt: 'over', gte: 'at least', lt: 'below', lte: 'at most', equals: 'exactly', between: 'between' };
  return `${words[op]} ${show(value)}`;
}

function describeTimes(op: CountOp, value: unknown): string {
  return `${describeCount(op, value)} ${op !== 'between' && value === 1 ? 'time' : 'times'}`;
}

function describeWindow(window: WindowFields): string {
  if (window.within !== undefined) return `within ${describeSpan(window.within)}${window.calendar ? ' (calendar)' : ''}`;
  if (window.fromAgo !== undefined || window.toAgo !== undefined) return `between ${describeSpan(window.fromAgo ?? '')} and ${describeSpan(window.toAgo ?? '')} ago`;
  if (window.from === undefined && window.to === undefined) return '';
  if (window.to === undefined) return `since ${String(window.from)}`;
  return window.from === undefined ? `before ${String(window.to)}` : `from ${String(window.from)} to before ${String(window.to)}`;
}

const SPANS: { readonly [unit: string]: string } = { s: 'second', m: 'minute', h: 'hour', d: 'day', w: 'week' };

/** "30d" → "30 days" */
function describeSpan(span: unknown): string {
  const [, number, unit] = /^(\d+)([smhdw])$/.exec(String(span)) ?? [];
  return number === undefined || unit === undefined ? String(span) : `${number} ${SPANS[unit]}${number === '1' ? '' : 's'}`;
}

function eventName(name: string): string {
  return name === 'page' ? 'Page view' : name === 'screen' ? 'Screen view' : name;
}

function listOf(values: unknown, word: 'or' | 'nor'): string {
  const shown = (Array.isArray(values) ? values : [values]).map(show);
  return shown.length < 2 ? (shown[0] ?? '') : `${shown.slice(0, -1).join(', ')} ${word} ${shown[shown.length - 1]}`;
}

function show(value: unknown): string {
  return typeof value === 'string' ? `“${value}”` : JSON.stringify(value as Json);
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
