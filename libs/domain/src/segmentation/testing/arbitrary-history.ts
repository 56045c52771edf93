import type { Json } from '@tributary/contracts/rule';
import fc from 'fast-check';
import type { EventEntry, RuleEntry } from '../rule-entry.js';
import { anyValue, START_MS, ZONES } from './arbitrary-rules.js';

/** Steps between appends: many ties, and the very lengths of the windows in rules. */
const GAPS = [0, 0, 0, 1, 1, 999, 1_000, 1_000, 1_000, 2_000, 2_000, 60_000, 60_000, 3_600_000, 86_400_000, 90_000_000, 172_800_000];
/** How far an event's time lies before its append: ties, edges of windows, the far past, the future. */
const LATENESS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1_000, 1_000, 2_000, 60_000, 3_600_000, 86_400_000, 172_800_000, 604_800_000, 1e12, -5_000];

const oneOf = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);

const properties = fc.record({ p: fc.oneof(oneOf<Json>(1, 2, 1.5, 0.1, 'a', null), anyValue), q: anyValue, o: fc.record({ x: anyValue }), name: oneOf<Json>('a', 'b', null) }, { requiredKeys: [] });
const traits = fc.record({
  plan: anyValue,
  age: oneOf<Json>(1, 2, 17.5, null),
  tags: oneOf<Json>(['a'], ['a', 1], [], null),
  address: oneOf<Json>({ city: 'a' }, { city: 'b', zip: 1 }, {}, 'x', null),
  timezone: oneOf<Json>(...ZONES, 'Nowhere/Land', null, '+02:00'),
  trial: oneOf<Json>(START_MS, START_MS + 86_400_000, '2026-03-29', '2026-03-30T12:00:00+02:00', null, 'soon', START_MS + 3_600_000),
  birthday: oneOf<Json>('1990-03-29', '1990-03-30', '1988-02-29', '2000-04-02T23:30:00-11:00', 642_384_000_000),
}, { requiredKeys: [] });

interface Drawn {
  readonly gap: number;
  readonly late: number;
  readonly what: string;
  readonly properties: Json;
  readonly traits: Json;
  readonly top: Json;
  readonly value: number;
  readonly flag: boolean;
  readonly repeat: number;
}

const drawn: fc.Arbitrary<Drawn> = fc.record({
  gap: oneOf(...GAPS),
  late: oneOf(...LATENESS),
  what: oneOf('A', 'A', 'A', 'A', 'A', 'A', 'B', 'B', 'B', 'B', 'B', 'page', 'page', 'identify', 'identify', 'identify', 'score', 'computed', 'cluster', 'list', 'consent', 'Consent Updated', 'other'),
  properties: properties as fc.Arbitrary<Json>,
  traits: traits as fc.Arbitrary<Json>,
  top: oneOf<Json>(null, 'a', 'b'),
  value: oneOf(0, 1, 2, 3),
  flag: fc.boolean(),
  repeat: oneOf(-1, -1, -1, -1, -1, -1, -1, -1, 0, 1, 2),
});

/** Entries of one profile in append order, with late events, ties and events that come twice. */
export function history(options: { readonly min?: number; readonly max?: number; readonly prefix?: string } = {}): fc.Arbitrary<RuleEntry[]> {
  return fc.array(drawn, { minLength: options.min ?? 1, maxLength: options.max ?? 14, size: 'max' }).map((all) => {
    let appendedAtMs = START_MS;
    const entries: RuleEntry[] = [];
    all.forEach((one, i) => {
      appendedAtMs += one.gap;
      const earlier = entries[entries.length - 1 - one.repeat];
      const isAgain = one.repeat >= 0 && earlier?.kind === 'event' && earlier.timestampMs <= earlier.appendedAtMs;
      entries.push(isAgain ? { ...(earlier as EventEntry), appendedAtMs } : entryOf(one, appendedAtMs, `${options.prefix ?? 'm'}${(i * 7) % 10}-${i}`));
    });
    return entries;
  });
}

function entryOf(one: Drawn, appendedAtMs: number, messageId: string): RuleEntry {
  const timestampMs = appendedAtMs - one.late;
  switch (one.what) {
    case 'score': return { kind: 'score', appendedAtMs, scores: { [one.flag ? 'engagement' : 'risk']: one.value === 0 ? null : one.value * 750_000 } };
    case 'computed': return { kind: 'computed', appendedAtMs, key: one.flag ? 'orders' : 'label', value: one.value === 0 ? null : one.flag ? one.value : 'ab'.slice(0, one.value) };
    case 'cluster': return { kind: 'cluster', appendedAtMs, model: 'rfm', label: [null, 'best', 'lost', 'other'][one.value]! };
    case 'list': return { kind: 'list', appendedAtMs, list: 'vips', member: one.flag };
    case 'consent': return { kind: 'consent', appendedAtMs, purpose: one.value > 1 ? 'profiling' : 'email_marketing', decision: one.flag ? 'granted' : 'withdrawn', occurredAtMs: timestampMs };
    default: return eventOf(one, { appendedAtMs, timestampMs, messageId });
  }
}

function eventOf(one: Drawn, at: { readonly appendedAtMs: number; readonly timestampMs: number; readonly messageId: string }): EventEntry {
  const base = { kind: 'event' as const, ...at };
  if (one.what === 'identify') return { ...base, type: 'identify', name: '', readBody: () => ({ traits: one.traits }) };
  if (one.what === 'page') return { ...base, type: 'page', name: 'page', readBody: () => ({ name: one.top, properties: one.properties }) };
  if (one.what === 'Consent Updated') {
    const body = { properties: { purpose: one.value > 1 ? 'profiling' : 'email_marketing', decision: one.flag ? 'granted' : 'withdrawn', ...(one.value % 2 === 0 && { occurredAt: at.timestampMs }) } };
    return { ...base, type: 'track', name: one.what, readBody: () => body };
  }
  const known = one.value === 3 ? { scores: { engagement: one.flag ? 1_500_000 : 2_000_001 } } : {};
  return { ...base, type: 'track', name: one.what, readBody: () => ({ properties: one.properties }), ...known };
}
