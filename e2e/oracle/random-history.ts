// Random histories of a few profiles: what the log would hold, in its order.
import fc from 'fast-check';
import type { Json } from '@tributary/contracts/rule';
import { birthdays, DAY_MS, EVENT_NAMES, fewValues, instants, numbers, PURPOSES, SLOT_MS, slotMs, slots, values, type Scene } from './random-scene.ts';
import type { HistoryEvent } from './sql-history.ts';

export interface RandomProfile {
  readonly profileId: string;
  readonly knownFromMs: number;
  /** In the order of the log, none twice. */
  readonly events: readonly HistoryEvent[];
  readonly switches: readonly Switch[];
}

/** A fact that other stages tell: from an instant on a value, or none. */
export type Switch = { readonly atMs: number } & (
  | { readonly kind: 'list'; readonly key: string; readonly value: boolean }
  | { readonly kind: 'cluster'; readonly key: string; readonly value: string | null }
  | { readonly kind: 'computed'; readonly key: string; readonly value: Json }
);

export const LISTS = ['vips'] as const;
export const CLUSTER_LABELS = ['one', 'two'] as const;
export const CLUSTER_MODEL = 'rfm';
export const COMPUTED_NUMBER = 'orders';
export const COMPUTED_TEXT = 'favourite';

const PROFILE_IDS = ['00000000-0000-4000-8000-000000000001', '7e57ab1e-0000-4000-8000-0000000000ff', 'ffffffff-ffff-4fff-8fff-fffffffffffe'];
/** Switches lie off the grid of events: which of two facts of one millisecond comes first is the log's to say. */
const OFF_GRID_MS = 7;
/** And a profile is born before its first switch, with a score. */
const BORN_BEFORE_MS = 1;

/** How much later than its time an event is appended; below zero it claims to be from the future. */
const delays = fc.oneof(
  { arbitrary: fc.constant(0), weight: 6 },
  { arbitrary: fc.constantFrom(1, SLOT_MS, 2 * SLOT_MS, DAY_MS, 2 * DAY_MS, -1, -DAY_MS), weight: 2 },
);
const ages = fc.oneof({ arbitrary: fc.constant(0), weight: 12 }, { arbitrary: fc.constantFrom(7 * DAY_MS, 29 * DAY_MS, 30 * DAY_MS, 4_000 * DAY_MS), weight: 1 });

export function randomProfiles(scene: Scene): fc.Arbitrary<readonly RandomProfile[]> {
  return fc.tuple(...PROFILE_IDS.map((profileId) => randomProfile(scene, profileId)));
}

function randomProfile(scene: Scene, profileId: string): fc.Arbitrary<RandomProfile> {
  const event = fc.record({ slot: slots, jitterMs: fc.constantFrom(0, 0, 0, 0, 0, 0, -1, 1), delayMs: delays, ageMs: ages, prefix: fc.constantFrom('a', 'B', 'é', '\uffee', '😀'), what: randomBody(scene) });
  // Now and then so many that the engine no longer keeps all of them at hand.
  const lists = fc.oneof({ arbitrary: fc.array(event, { maxLength: 12, size: 'max' }), weight: 12 }, { arbitrary: fc.array(event, { maxLength: 150, size: 'max' }), weight: 2 });
  const events = lists.map((list) =>
    list
      .map(({ slot, jitterMs, delayMs, ageMs, prefix, what }, i): HistoryEvent => {
        const claimedMs = slotMs(scene, slot) + jitterMs;
        const appendedAtMs = delayMs < 0 ? claimedMs : claimedMs + delayMs;
        const timestampMs = Math.min(claimedMs - ageMs - Math.min(delayMs, 0), appendedAtMs);
        // As it comes out of the log: through JSON.
        return { profileId, messageId: `${prefix}${i}-${profileId[0]}`, timestampMs, appendedAtMs, type: what.type, name: what.name, body: JSON.parse(JSON.stringify(what.body)) };
      })
      .sort((a, b) => a.appendedAtMs - b.appendedAtMs),
  );
  const switches = fc.array(fc.tuple(slots, randomSwitch()), { maxLength: 4 }).map((list) =>
    list.map(([slot, one], i) => ({ ...one, atMs: slotMs(scene, slot) + OFF_GRID_MS + i })).sort((a, b) => a.atMs - b.atMs),
  );
  return fc.record({ events, switches, birth: fc.option(slots, { freq: 3 }) }).map(({ events, switches, birth }) => {
    const known = [...events.map((one) => one.appendedAtMs), ...switches.map((one) => one.atMs - BORN_BEFORE_MS), ...(birth === null ? [] : [slotMs(scene, birth)])];
    return { profileId, events, switches, knownFromMs: known.length === 0 ? scene.baseMs : Math.min(...known) };
  });
}

interface Body {
  readonly type: string;
  readonly name: string;
  readonly body: { readonly [key: string]: unknown };
}

function randomBody(scene: Scene): fc.Arbitrary<Body> {
  const properties = fc.record(
    { x: values, n: numbers, k: fewValues, at: instants(scene), o: fc.oneof(fc.record({ a: values }), values), name: fewValues, email_id: fc.constantFrom<Json>('m1', 'm2', 'm3', 7, null), machine: fc.constantFrom<Json>(true, false, 'true') },
    { requiredKeys: [] },
  );
  const names = fc.oneof(fc.constantFrom(...EVENT_NAMES), fc.constantFrom('A', 'B'), fc.constantFrom('Email Delivered', 'Email Opened', 'Email Link Clicked'));
  const performed = fc.tuple(names, fc.option(properties, { freq: 8 }), fc.option(fewValues)).map(([name, found, top]): Body => {
    const type = name === 'page' || name === 'screen' ? name : 'track';
    return { type, name, body: { ...(type !== 'track' && top !== null ? { name: top } : {}), ...(found ? { properties: found } : {}) } };
  });
  const identified = fc
    .record(
      { plan: fc.oneof(values, fc.constant(null)), n: fc.oneof(numbers, fc.constant(null)), at: fc.oneof(instants(scene), fc.constant(null)), birthday: birthdays(scene), timezone: fc.constantFrom<Json>(...scene.zones, 'Nowhere/None', '+02:00', null, 3), o: fc.oneof(fc.record({ a: values }), values), tags: fc.constantFrom<Json>([], ['a'], ['a', 1, null], 'a', [[1]]) },
      { requiredKeys: [] },
    )
    .map((traits): Body => ({ type: 'identify', name: '', body: { traits } }));
  const decided = fc
    .tuple(fc.constantFrom(...PURPOSES), fc.constantFrom('granted', 'withdrawn', 'perhaps'), fc.option(slots))
    .map(([purpose, decision, slot]): Body => ({ type: 'track', name: 'Consent Updated', body: { properties: { purpose, decision, ...(slot === null ? {} : { occurredAt: new Date(slotMs(scene, slot)).toISOString() }) } } }));
  const others = fc.constantFrom<Body>({ type: 'group', name: '', body: { traits: { plan: 'a' } } }, { type: 'identify', name: '', body: { traits: ['plan'] } }, { type: 'alias', name: '', body: {} });
  return fc.oneof({ arbitrary: performed, weight: 8 }, { arbitrary: identified, weight: 4 }, { arbitrary: decided, weight: 1 }, { arbitrary: others, weight: 1 });
}

function randomSwitch(): fc.Arbitrary<Switch extends infer One ? (One extends Switch ? Omit<One, 'atMs'> : never) : never> {
  return fc.oneof(
    fc.record({ kind: fc.constant('list' as const), key: fc.constantFrom(...LISTS), value: fc.boolean() }),
    fc.record({ kind: fc.constant('cluster' as const), key: fc.constant(CLUSTER_MODEL), value: fc.constantFrom(...CLUSTER_LABELS, null) }),
    fc.record({ kind: fc.constant('computed' as const), key: fc.constant(COMPUTED_NUMBER), value: fc.constantFrom<Json>(0, 1, 2.5, null) }),
    fc.record({ kind: fc.constant('computed' as const), key: fc.constant(COMPUTED_TEXT), value: fc.constantFrom<Json>('a', 'A', 'b', '', null) }),
  );
}
