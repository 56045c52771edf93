import fc from 'fast-check';
import { type IdentityChanges, IdentityGraph, listNames, type StoredProfile } from './identity-graph.js';
import type { Identifier } from './read-identifiers.js';

const W = 'ws_1';

interface Saying {
  readonly ids: string;
  readonly previousId?: string;
  readonly trusted?: boolean;
}

const TYPES: { readonly [letter: string]: string } = { u: 'userId', e: 'email', d: 'deviceId', a: 'anonymousId' };

/** `u1 a2` names userId 1 and anonymousId 2. */
function identifiersOf(ids: string): Identifier[] {
  return ids.split(' ').filter(Boolean).map((id) => ({ type: TYPES[id[0] as string] as string, value: id.slice(1) }));
}

/** What a database would keep, so that batches can follow each other. */
class Stored {
  readonly profiles = new Map<string, StoredProfile & { survivorId: string }>();
  readonly owners = new Map<string, string>();

  graph(): IdentityGraph {
    return new IdentityGraph({ owner: (key) => this.#root(this.owners.get(key)) }, (workspace, { type, value }) => `${workspace}/${type}:${value}`);
  }

  keep({ profiles, identifiers }: IdentityChanges): void {
    for (const profile of profiles) {
      if (!profile.isNew) expect(this.profiles.get(profile.profileId)?.version).toBe(profile.version);
      this.profiles.set(profile.profileId, { ...profile, version: profile.isNew ? 0 : profile.version + 1 });
    }
    // As the redirects of earlier losers move along.
    const losers = new Map(profiles.map(({ profileId, survivorId }) => [profileId, survivorId]));
    for (const kept of this.profiles.values()) kept.survivorId = losers.get(kept.survivorId) ?? kept.survivorId;
    for (const { workspace, type, value, profileId } of identifiers) this.owners.set(`${workspace}\n${type}\n${value}`, profileId);
  }

  #root(profileId: string | undefined): StoredProfile | undefined {
    const profile = profileId === undefined ? undefined : this.profiles.get(profileId);
    return profile === undefined ? undefined : this.profiles.get(profile.survivorId);
  }

  /** Which identifiers mean one person, as sorted lists. */
  groups(): string[] {
    const groups = new Map<string, string[]>();
    for (const [key, profileId] of this.owners) {
      const root = this.profiles.get(profileId)?.survivorId as string;
      groups.set(root, [...(groups.get(root) ?? []), key]);
    }
    return [...groups.values()].map((keys) => keys.sort().join(', ')).sort();
  }
}

let clockMs = 0;

function say(graph: IdentityGraph, { ids, previousId, trusted = true }: Saying) {
  const names = listNames(W, identifiersOf(ids), previousId ?? null);
  return graph.resolve({ workspace: W, names, isAlias: previousId !== undefined, isTrusted: trusted, appendedMs: ++clockMs });
}

function run(batches: readonly (readonly Saying[])[]): Stored {
  const stored = new Stored();
  for (const batch of batches) {
    const graph = stored.graph();
    for (const saying of batch) say(graph, saying);
    stored.keep(graph.changes());
  }
  return stored;
}

describe('identities during a batch', () => {
  test('a profile is made for the strongest identifier, and the next event finds it by any', () => {
    const graph = new Stored().graph();
    expect(say(graph, { ids: 'u1 a1' })).toEqual({ profileId: `${W}/userId:1`, merges: [] });
    expect(say(graph, { ids: 'a1' })).toEqual({ profileId: `${W}/userId:1`, merges: [] });
    expect(graph.changes().profiles).toHaveLength(1);
    expect(graph.changes().identifiers).toHaveLength(2);
  });

  test('a merge moves the loser, and whoever was merged into the loser, to the survivor', () => {
    const stored = run([[{ ids: 'd1' }, { ids: 'a1' }, { ids: 'u1' }]]);
    const graph = stored.graph();
    const first = say(graph, { ids: 'd1 a1' });
    const second = say(graph, { ids: 'u1 a1' });
    expect(first).toMatchObject({ profileId: `${W}/deviceId:1`, merges: [{ loser: `${W}/anonymousId:1`, survivor: `${W}/deviceId:1` }] });
    expect(second).toMatchObject({ profileId: `${W}/userId:1`, merges: [{ loser: `${W}/deviceId:1`, survivor: `${W}/userId:1` }] });
    const changes = graph.changes();
    expect(changes.profiles.map(({ profileId, survivorId }) => [profileId, survivorId]).sort()).toEqual([
      [`${W}/anonymousId:1`, `${W}/userId:1`],
      [`${W}/deviceId:1`, `${W}/userId:1`],
      [`${W}/userId:1`, `${W}/userId:1`],
    ]);
    stored.keep(changes);
    expect(stored.groups()).toHaveLength(1);
  });

  test('nothing is written for an event of somebody who is known by all its names', () => {
    const stored = run([[{ ids: 'u1 a1' }]]);
    const graph = stored.graph();
    say(graph, { ids: 'u1 a1' });
    expect(graph.changes()).toEqual({ profiles: [], identifiers: [], merges: [], conflicts: [] });
  });

  test('a conflict is noted once, with who keeps the identifier', () => {
    const stored = run([[{ ids: 'u1 a1' }, { ids: 'u2' }]]);
    const graph = stored.graph();
    for (let times = 0; times < 3; times++) say(graph, { ids: 'u2 a1' });
    expect(graph.changes().conflicts).toEqual([expect.objectContaining({ type: 'anonymousId', value: '1', owner: `${W}/userId:1`, claimant: `${W}/userId:2` })]);
  });

  test('an alias of oneself changes nothing', () => {
    const stored = run([[{ ids: 'u1' }]]);
    const graph = stored.graph();
    expect(say(graph, { ids: 'u1', previousId: '1' }).profileId).toBe(`${W}/userId:1`);
    expect(graph.changes().profiles).toEqual([]);
    // The other reading of the previous id is claimed.
    expect(graph.changes().identifiers).toMatchObject([{ type: 'anonymousId', value: '1' }]);
  });

  test('workspaces share nobody', () => {
    const graph = new Stored().graph();
    const one = say(graph, { ids: 'u1' });
    const other = graph.resolve({ workspace: 'ws_2', names: listNames('ws_2', identifiersOf('u1'), null), isAlias: false, isTrusted: true, appendedMs: 1 });
    expect(one.profileId).not.toBe(other.profileId);
  });
});

describe('in any order, and cut into batches anyhow', () => {
  /** Nothing is shared with others. */
  const person = (index: number, userIds: readonly string[]) => {
    const value = (letter: string) => (letter === 'u' ? fc.constantFrom(...userIds) : fc.integer({ min: 0, max: 2 }).map((n) => `${letter}${index}-${n}`));
    const event = fc.subarray(['u', 'e', 'd', 'a'], { minLength: 1 }).chain((letters) => fc.tuple(...letters.map(value))).map((ids): Saying => ({ ids: ids.join(' ') }));
    return fc.array(event, { minLength: 1, maxLength: 6 });
  };
  const alias = (index: number) => fc.constantFrom(`${index}-0`, `${index}-1`, `old${index}`).map((previousId): Saying => ({ ids: `u${index}`, previousId }));

  /** The first has a second userId, which an alias ties to the first at some time. */
  const history = fc
    .tuple(person(1, ['u1', 'u1b']), person(2, ['u2']), fc.array(alias(2), { maxLength: 2 }), fc.constant([{ ids: 'u1', previousId: '1b' }]))
    .map((parts): Saying[] => parts.flat());
  const cut = (sayings: readonly Saying[], sizes: readonly number[]): Saying[][] => {
    const batches: Saying[][] = [];
    const rest = [...sayings];
    for (let turn = 0; rest.length > 0; turn++) batches.push(rest.splice(0, sizes[turn % sizes.length] as number));
    return batches;
  };
  const sizes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3 });

  test('the same events of trusted sources group the same identifiers', () => {
    fc.assert(
      fc.property(history.chain((sayings) => fc.tuple(fc.constant(sayings), fc.shuffledSubarray(sayings, { minLength: sayings.length }), sizes, sizes)), ([straight, shuffled, one, other]) => {
        const named = new Set(straight.flatMap(({ ids }) => identifiersOf(ids)).map(({ type, value }) => `${W}\n${type}\n${value}`));
        expect(groupsOf(run(cut(shuffled, one)), named)).toEqual(groupsOf(run(cut(straight, other)), named));
      }),
      { numRuns: 400 },
    );
  });

  test('nobody is in two people, and no survivor is a loser', () => {
    fc.assert(
      fc.property(history, fc.boolean(), sizes, (sayings, trusted, at) => {
        const stored = run(cut(sayings.map((saying) => ({ ...saying, trusted })), at));
        for (const { survivorId } of stored.profiles.values()) expect(stored.profiles.get(survivorId)?.survivorId).toBe(survivorId);
      }),
    );
  });

  test('two userIds become one person only by an alias', () => {
    const anything = fc.array(fc.array(fc.constantFrom('u1', 'u2', 'u3', 'e1', 'e2', 'd1', 'a1', 'a2'), { minLength: 1, maxLength: 4 }).map((ids): Saying => ({ ids: [...new Map(ids.map((id) => [id[0], id])).values()].sort().reverse().join(' ') })), { maxLength: 12 });
    fc.assert(
      fc.property(anything, fc.boolean(), sizes, (sayings, trusted, at) => {
        const stored = run(cut(sayings.map((saying) => ({ ...saying, trusted })), at));
        for (const group of stored.groups()) expect(group.split(', ').filter((key) => key.includes('\nuserId\n')).length).toBeLessThanOrEqual(1);
      }),
    );
  });

  /** Which reading of an alias' previous id is kept depends on which was used first; who the events' own names mean does not. */
  function groupsOf(stored: Stored, named: ReadonlySet<string>): string[] {
    return stored.groups().map((group) => group.split(', ').filter((key) => named.has(key)).join(', ')).filter((group) => group !== '').sort();
  }
});
