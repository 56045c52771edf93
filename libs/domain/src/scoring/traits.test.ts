import fc from 'fast-check';
import type { Json } from '@tributary/contracts/rule';
import { identify, presentTraits, type Traits, TRAITS_MAX, uniteTraits } from './traits.js';

interface Identify {
  readonly traits: { readonly [name: string]: Json };
  readonly timeMs: number;
  readonly messageId: string;
}

function traitsOf(events: readonly Identify[]): Traits {
  const traits: Traits = new Map();
  for (const { traits: values, timeMs, messageId } of events) identify(traits, values, { timeMs, messageId });
  return traits;
}

const anyIdentify: fc.Arbitrary<Omit<Identify, 'messageId'>> = fc.record({
  traits: fc.dictionary(fc.constantFrom('plan', 'city', '__proto__', 'toString'), fc.constantFrom<Json>('a', 'b', 1, null, { deep: [1] }), { maxKeys: 3 }),
  timeMs: fc.integer({ min: 0, max: 3 }),
});
const anyIdentifies = fc.array(anyIdentify, { maxLength: 8 }).map((list) => list.map((one, index) => ({ ...one, messageId: `m${index}` })));

describe('traits', () => {
  test('have the value of the greatest event that carries them, whatever the order and however often it arrives', () => {
    fc.assert(fc.property(anyIdentifies, fc.infiniteStream(fc.nat()), (events, keys) => {
      const shuffled = [...events, ...events].map((event) => ({ event, key: keys.next().value as number })).sort((a, b) => a.key - b.key).map(({ event }) => event);
      const latest: [string, Json][] = [];
      for (const name of ['plan', 'city', '__proto__', 'toString']) {
        const carrying = events.filter(({ traits }) => Object.hasOwn(traits, name));
        const last = carrying.sort((a, b) => a.timeMs - b.timeMs || (a.messageId < b.messageId ? -1 : 1)).at(-1);
        if (last !== undefined && last.traits[name] !== null) latest.push([name, last.traits[name] as Json]);
      }
      expect(new Map(Object.entries(presentTraits(traitsOf(shuffled))))).toEqual(new Map(latest));
    }), { numRuns: 1_000 });
  });

  test('of a merged pair are those of all their events', () => {
    fc.assert(fc.property(anyIdentifies, (events) => {
      const half = Math.floor(events.length / 2);
      const survivor = traitsOf(events.slice(half));
      uniteTraits(survivor, traitsOf(events.slice(0, half)));
      expect(new Map(survivor)).toEqual(new Map(traitsOf(events)));
    }));
  });

  test('that were removed do not come back with an older event', () => {
    const traits = traitsOf([{ traits: { plan: null }, timeMs: 2, messageId: 'b' }, { traits: { plan: 'pro' }, timeMs: 1, messageId: 'a' }]);
    expect(presentTraits(traits)).toEqual({});
  });

  test('are replaced whole, not merged', () => {
    const traits = traitsOf([{ traits: { address: { city: 'Ulm', zip: '1' } }, timeMs: 1, messageId: 'a' }, { traits: { address: { city: 'Bonn' } }, timeMs: 2, messageId: 'b' }]);
    expect(presentTraits(traits)).toEqual({ address: { city: 'Bonn' } });
  });

  test('with one time are decided by the UTF-8 bytes of the ids', () => {
    // In UTF-16 the first id is the smaller one, in UTF-8 the greater.
    const traits = traitsOf([{ traits: { plan: 'astral' }, timeMs: 1, messageId: '\u{10000}' }, { traits: { plan: 'private' }, timeMs: 1, messageId: '\uffff' }]);
    expect(presentTraits(traits)).toEqual({ plan: 'astral' });
  });

  test('say whether a value changed', () => {
    const traits: Traits = new Map();
    expect(identify(traits, { plan: 'pro' }, { timeMs: 2, messageId: 'b' })).toBe(true);
    expect(identify(traits, { plan: 'free' }, { timeMs: 1, messageId: 'a' })).toBe(false);
    expect(identify(traits, { city: null }, { timeMs: 3, messageId: 'c' })).toBe(false);
  });

  test('of one profile are bounded in number', () => {
    const traits: Traits = new Map();
    for (let index = 0; index < TRAITS_MAX + 5; index++) identify(traits, { [`t${index}`]: index }, { timeMs: 1, messageId: 'a' });
    expect(traits.size).toBe(TRAITS_MAX);
    expect(identify(traits, { t0: 'new' }, { timeMs: 2, messageId: 'b' })).toBe(true);
  });
});
