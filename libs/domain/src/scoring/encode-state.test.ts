import fc from 'fast-check';
import { decodeState, encodeState } from './encode-state.js';
import { addEvent, awaitState, newProfileState, noteEntry, type ProfileState, retire, settle } from './profile-state.js';
import { standardEngagement } from './score-model.js';
import type { EventFacts } from './read-facts.js';
import { presentTraits } from './traits.js';

const anyFacts: fc.Arbitrary<EventFacts> = fc.oneof(
  fc.constant<EventFacts>({ kind: 'nothing' }),
  fc.constant<EventFacts>({ kind: 'page-view' }),
  fc.record({ kind: fc.constant('traits' as const), traits: fc.dictionary(fc.constantFrom('plan', 'city', '__proto__'), fc.constantFrom('a', 1, null), { maxKeys: 2 }) }),
  fc.record({ kind: fc.constant('mail' as const), fact: fc.constantFrom('delivered', 'opened', 'clicked'), emailId: fc.string() }),
);
const anyState: fc.Arbitrary<ProfileState> = fc.array(fc.record({ facts: anyFacts, atMs: fc.integer({ min: 0, max: 9_999_999_999 }) }), { maxLength: 10 }).map((events) => {
  const state = newProfileState();
  events.forEach(({ facts, atMs }, index) => {
    noteEntry(state, atMs);
    addEvent(state, { name: index % 2 === 0 ? 'Order Completed' : '', stamp: { timeMs: atMs, messageId: `m\u0000${index}` }, facts }, standardEngagement);
  });
  settle(state, 9_999_999_999, standardEngagement);
  return state;
});

describe('an encoded state', () => {
  test('that is whole comes back as it was', () => {
    fc.assert(fc.property(anyState, (state) => {
      expect(plain(decodeState(encodeState(state, true)))).toEqual(plain(state));
    }));
  });

  test('comes back with the trait values that stand beside it', () => {
    fc.assert(fc.property(anyState, (state) => {
      const beside = JSON.parse(JSON.stringify(presentTraits(state.traits))) as ReturnType<typeof presentTraits>;
      expect(plain(decodeState(encodeState(state), beside))).toEqual(plain(state));
    }));
  });

  test('keeps what a merge has left in it', () => {
    const state = newProfileState();
    noteEntry(state, 5);
    awaitState(state, 'loser', 7);
    expect(decodeState(encodeState(state))).toEqual(state);
    retire(state, 'survivor');
    expect(decodeState(encodeState(state))).toEqual(state);
    expect(state).toMatchObject({ survivor: 'survivor', createdMs: 5, dueMs: null });
  });

  test('of another version is refused', () => {
    expect(() => decodeState('{"v":2}')).toThrow('version 2');
  });
});

/** Maps that compare whatever their order, and own keys of any name. */
function plain(state: ProfileState): object {
  return { ...state, traits: [...state.traits].sort(([a], [b]) => (a < b ? -1 : 1)) };
}
