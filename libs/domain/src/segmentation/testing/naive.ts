import type { Json, PerformedNode, RuleNode, SegmentRule, SequenceNode, SequenceStep, ValueTest, WindowFields } from '@tributary/contracts/rule';
import { createHash } from 'node:crypto';
import { equalValues, orderTexts, orderValues, valueKey } from '../compare-values.js';
import { parseInstant } from '../parse-instant.js';
import { firstInstantOf, localDate, validZone } from './naive-days.js';
import type { ConsentEntry, EventEntry, RuleEntry } from '../rule-entry.js';

/**
 * The rule language by brute force, straight from its description: every question looks at everything known. It shares
 * with the engine only how texts are read as instants and how values compare, which have tests of their own.
 */
export interface NaiveWorld {
  readonly profileId: string;
  readonly timezone: string;
  readonly purposes: { readonly [purpose: string]: 'opt-in' | 'opt-out' };
  readonly entries: readonly RuleEntry[];
  /** Segment key → is inside, as the node `segment` sees it. */
  readonly inside: (key: string) => boolean;
}

const UNIT: Record<string, number> = { s: 1e3, m: 6e4, h: 3.6e6, d: 8.64e7, w: 6.048e8 };
export const spanMs = (text: string): number => Number(text.slice(0, -1)) * UNIT[text.at(-1)!]!;
const spanDays = (text: string): number => Number(text.slice(0, -1)) * (text.endsWith('w') ? 7 : 1);

export function evalRule(node: RuleNode, t: number, world: NaiveWorld): boolean {
  if ('and' in node) return node.and.every((one) => evalRule(one, t, world));
  if ('or' in node) return node.or.some((one) => evalRule(one, t, world));
  if ('not' in node) return !evalRule(node.not, t, world);
  if ('trait' in node) return testValue(node, traitOf(node.trait, world), t, world);
  if ('performed' in node) return evalPerformed(node, t, world);
  if ('sequence' in node) return evalSequence(node, t, world);
  if ('score' in node) {
    const micros = lastKnown(world, 'scores', node.score);
    return typeof micros === 'number' && compareCount(node.op, node.value as Json, [BigInt(micros), 1_000_000n]);
  }
  if ('computed' in node) {
    const value = lastKnown(world, 'computed', node.computed) ?? undefined;
    return value !== undefined && testValue(node, value, t, world);
  }
  if ('cluster' in node) return node.in.some((label) => label === lastKnown(world, 'clusters', node.cluster));
  if ('segment' in node) return world.inside(node.segment);
  if ('list' in node) return world.entries.filter((one) => one.kind === 'list' && one.list === node.list).map((one) => (one as { member: boolean }).member).at(-1) ?? false;
  if ('consent' in node) return consentOf(node.consent, world) === node.is;
  const hash = createHash('sha256').update(`${node.random.salt}:${world.profileId}`).digest().readBigUInt64BE(0);
  const percent = (Number(hash) / 2 ** 64) * 100;
  return percent >= node.random.from && percent < node.random.to;
}

function lastKnown(world: NaiveWorld, what: 'scores' | 'computed' | 'clusters', key: string): Json | undefined {
  let value: Json | undefined;
  for (const entry of world.entries) {
    if (what === 'computed' && entry.kind === 'computed' && entry.key === key) value = entry.value;
    if (what === 'clusters' && entry.kind === 'cluster' && entry.model === key) value = entry.label;
    const map = (entry as unknown as { readonly [key: string]: unknown })[what] as { readonly [key: string]: Json } | undefined;
    if (map && Object.hasOwn(map, key)) value = map[key];
  }
  return value;
}

interface Seen {
  readonly time: number;
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly body: ReturnType<EventEntry['readBody']>;
}

/** Events once each, in event order. */
function eventsOf(world: NaiveWorld): Seen[] {
  const byId = new Map<string, Seen>();
  for (const entry of world.entries) {
    if (entry.kind !== 'event' || byId.has(entry.messageId)) continue;
    byId.set(entry.messageId, { time: Math.min(entry.timestampMs, entry.appendedAtMs), id: entry.messageId, type: entry.type, name: entry.name, body: entry.readBody() });
  }
  return [...byId.values()].sort((a, b) => a.time - b.time || orderTexts(a.id, b.id));
}

function walk(value: Json | undefined, path: string): Json | undefined {
  let current: Json | undefined = value;
  for (const part of path.split('.')) {
    if (typeof current !== 'object' || current === null || Array.isArray(current) || !Object.hasOwn(current, part)) return undefined;
    current = (current as { readonly [key: string]: Json })[part];
  }
  return current === null ? undefined : current;
}

function propertyOf(event: Seen, path: string): Json | undefined {
  const top = event.body.name;
  if (event.type !== 'track' && path.split('.')[0] === 'name' && top !== undefined && top !== null) return walk({ name: top }, path);
  return walk(event.body.properties, path);
}

function traitOf(path: string, world: NaiveWorld): Json | undefined {
  const root = path.split('.')[0]!;
  let newest: Json | undefined;
  for (const event of eventsOf(world)) {
    const traits = event.body.traits;
    if (event.type === 'identify' && typeof traits === 'object' && traits !== null && Object.hasOwn(traits, root)) newest = (traits as { readonly [key: string]: Json })[root];
  }
  return walk({ [root]: newest ?? null }, path);
}

function zoneOf(world: NaiveWorld): string {
  const own = traitOf('timezone', world);
  if (typeof own === 'string' && validZone(own)) return own;
  return validZone(world.timezone) ? world.timezone : 'UTC';
}

function consentOf(purpose: string, world: NaiveWorld): string | undefined {
  let best: { at: number; decision: string } | undefined;
  const decide = (decision: unknown, at: number): void => {
    if (decision !== 'granted' && decision !== 'withdrawn') return;
    if (!best || at > best.at || (at === best.at && decision === 'withdrawn')) best = { at, decision };
  };
  for (const entry of world.entries) if (entry.kind === 'consent' && entry.purpose === purpose) decide((entry as ConsentEntry).decision, entry.occurredAtMs);
  for (const event of eventsOf(world)) {
    if (event.type === 'track' && event.name === 'Consent Updated' && walk(event.body.properties, 'purpose') === purpose) {
      decide(walk(event.body.properties, 'decision'), parseInstant(walk(event.body.properties, 'occurredAt')) ?? event.time);
    }
  }
  return (best as { decision: string } | undefined)?.decision ?? (world.purposes[purpose] === 'opt-out' ? 'granted' : undefined);
}

const fold = (value: Json | undefined, test: ValueTest): Json | undefined => (test.ignoreCase && typeof value === 'string' ? value.toLowerCase() : value);

export function testValue(test: ValueTest, value: Json | undefined, t: number, world: NaiveWorld): boolean {
  if (test.op === 'exists') return value !== undefined;
  if (test.op === 'notExists') return value === undefined;
  if (value === undefined) return test.absent === true;
  const operand = test.value as Json;
  const [v, o] = [fold(value, test), fold(operand, test)];
  const order = (other: Json): number | undefined => orderValues(v, fold(other, test));
  const list = operand as readonly Json[];
  const instant = parseInstant(value);
  switch (test.op) {
    case 'equals': return equalValues(v, o);
    case 'notEquals': return !equalValues(v, o);
    case 'in': return list.some((one) => equalValues(v, fold(one, test)));
    case 'notIn': return !list.some((one) => equalValues(v, fold(one, test)));
    case 'gt': return (order(operand) ?? -1) > 0;
    case 'gte': return (order(operand) ?? -1) >= 0;
    case 'lt': return (order(operand) ?? 1) < 0;
    case 'lte': return (order(operand) ?? 1) <= 0;
    case 'between': return (order(list[0]!) ?? -1) >= 0 && (order(list[1]!) ?? 1) <= 0;
    case 'contains': return typeof v === 'string' && v.includes(o as string);
    case 'startsWith': return typeof v === 'string' && v.startsWith(o as string);
    case 'endsWith': return typeof v === 'string' && v.endsWith(o as string);
    case 'matches': return typeof value === 'string' && new RegExp(operand as string, test.ignoreCase ? 'iu' : 'u').test(value);
    case 'includes': return Array.isArray(value) && value.some((one) => equalValues(fold(one, test), o));
    default: return instant !== undefined && testInstant(test, instant, { value, t, world });
  }
}

function testInstant(test: ValueTest, instant: number, at: { readonly value: Json; readonly t: number; readonly world: NaiveWorld }): boolean {
  const { value, t } = at;
  const operand = test.value as string;
  switch (test.op) {
    case 'before': return instant < parseInstant(test.value)!;
    case 'after': return instant > parseInstant(test.value)!;
    case 'inLast': return instant > t - spanMs(operand) && instant <= t;
    case 'notInLast': return !(instant > t - spanMs(operand) && instant <= t);
    case 'inNext': return instant > t && instant <= t + spanMs(operand);
    default: {
      if (Math.abs(instant) > 8.64e15) return false;
      const written = typeof value === 'string' ? value.slice(5, 10) : new Date(instant).toISOString().slice(5, 10);
      const today = localDate(t, zoneOf(at.world));
      for (let ahead = 0; ahead <= Math.min(spanDays(operand), 366); ahead += 1) {
        const date = new Date((today + ahead) * 8.64e7).toISOString();
        const isLeap = new Date(`${date.slice(0, 4)}-02-29T00:00:00Z`).getUTCDate() === 29;
        if (date.slice(5, 10) === (written === '02-29' && !isLeap ? '02-28' : written)) return true;
      }
      return false;
    }
  }
}

/** Inside the window at t? Windows that end at t take all that is known: nothing known is later. */
function windowTest(fields: WindowFields, t: number, world: NaiveWorld): (time: number) => boolean {
  if (fields.from !== undefined || fields.to !== undefined) {
    const [from, to] = [parseInstant(fields.from) ?? -Infinity, parseInstant(fields.to) ?? Infinity];
    return (time) => time >= from && time < to;
  }
  if (fields.fromAgo !== undefined) return (time) => time > t - spanMs(fields.fromAgo!) && time <= t - spanMs(fields.toAgo!);
  if (fields.within === undefined) return () => true;
  if (!fields.calendar) return (time) => time > t - spanMs(fields.within!);
  const zone = zoneOf(world);
  const start = firstInstantOf(localDate(t, zone) - spanDays(fields.within) + 1, zone);
  return (time) => time >= start;
}

const passes = (event: Seen, name: string, where: readonly ({ readonly property: string } & ValueTest)[], world: NaiveWorld): boolean =>
  event.name === name && ['track', 'page', 'screen'].includes(event.type) && where.every((filter) => testValue(filter, propertyOf(event, filter.property), 0, world));

function evalPerformed(node: PerformedNode, t: number, world: NaiveWorld): boolean {
  const inWindow = windowTest(node, t, world);
  const events = eventsOf(world).filter((event) => passes(event, node.performed, node.where ?? [], world) && inWindow(event.time));
  if (!node.aggregate) return compareCount(node.count?.op ?? 'gte', (node.count?.value ?? 1) as Json, [BigInt(events.length), 1n]);
  const { fn, property } = node.aggregate;
  const values = events.map((event) => propertyOf(event, property));
  const op = node.op!;
  const value = node.value as Json;
  if (fn === 'distinct') {
    const distinct = new Set(values.filter((one) => one !== undefined && typeof one !== 'object').map((one) => valueKey(one as Json)));
    return compareCount(op, value, [BigInt(distinct.size), 1n]);
  }
  const micros = values.filter((one) => typeof one === 'number').map(microsOf);
  const sum = micros.reduce((a, b) => a + b, 0n);
  if (fn === 'sum') return compareCount(op, value, [sum, 1_000_000n]);
  if (micros.length === 0) return false;
  if (fn === 'avg') return compareCount(op, value, [sum, 1_000_000n * BigInt(micros.length)]);
  const sorted = [...micros].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return compareCount(op, value, [fn === 'min' ? sorted[0]! : sorted.at(-1)!, 1_000_000n]);
}

/** A number as the fraction that it is printed as. */
function fraction(value: number): [bigint, bigint] {
  const [mantissa, exponent = '0'] = value.toString().split('e') as [string, string?];
  const [whole, decimals = ''] = mantissa.split('.') as [string, string?];
  const power = Number(exponent) - decimals.length;
  const digits = BigInt(whole + decimals);
  return power >= 0 ? [digits * 10n ** BigInt(power), 1n] : [digits, 10n ** BigInt(-power)];
}

function microsOf(value: number): bigint {
  const [n, d] = fraction(value);
  const doubled = (n < 0n ? -n : n) * 2_000_000n + d;
  const rounded = doubled / (2n * d);
  return n < 0n ? -rounded : rounded;
}

function compareCount(op: string, value: Json, quantity: [bigint, bigint]): boolean {
  const against = (other: number): number => {
    const [n, d] = fraction(other);
    const [left, right] = [quantity[0] * d, n * quantity[1]];
    return left < right ? -1 : left > right ? 1 : 0;
  };
  if (op === 'between') return against((value as readonly number[])[0]!) >= 0 && against((value as readonly number[])[1]!) <= 0;
  const order = against(value as number);
  return { gte: order >= 0, gt: order > 0, lte: order <= 0, lt: order < 0, equals: order === 0 }[op]!;
}

function evalSequence(node: SequenceNode, t: number, world: NaiveWorld): boolean {
  const inWindow = windowTest(node, t, world);
  const events = eventsOf(world);
  const steps = node.sequence;
  const absent = steps.at(-1)!.absent ? steps.at(-1)! : undefined;
  const matched = absent ? steps.slice(0, -1) : steps;
  const fits = (event: Seen, step: SequenceStep, named: Map<string, Seen>): boolean => {
    const plain = (step.where ?? []).filter((filter) => !('ref' in filter)) as ({ readonly property: string } & ValueTest)[];
    if (!passes(event, step.performed, plain, world)) return false;
    return (step.where ?? []).every((filter) => {
      if (!('ref' in filter)) return true;
      const [name, ...path] = filter.ref.split('.');
      const [own, other] = [propertyOf(event, filter.property), propertyOf(named.get(name!)!, path.join('.'))];
      if (own === undefined || other === undefined) return false;
      return testValue({ op: filter.op, value: other }, own, 0, world);
    });
  };
  const choose = (i: number, last: number, named: Map<string, Seen>): boolean => {
    if (i === matched.length) {
      if (!absent) return true;
      const [end, wait] = [events[last]!, spanMs(absent.within!)];
      if (t < end.time + wait) return false;
      return !events.some((event, k) => k > last && event.time <= end.time + wait && fits(event, absent, named));
    }
    const step = matched[i]!;
    return events.some((event, k) => {
      if (k <= last || !inWindow(event.time) || !fits(event, step, named)) return false;
      if (i > 0 && step.within !== undefined && event.time - events[last]!.time > spanMs(step.within)) return false;
      return choose(i + 1, k, step.as === undefined ? named : new Map(named).set(step.as, event));
    });
  };
  return choose(0, -1, new Map());
}

export type { SegmentRule };
