import type { Entry } from '@tributary/contracts/entry';
import * as fc from 'fast-check';
import { type Passage, passGate } from './pass-gate.js';
import { receiptOf } from './receipt-of.js';
import { type KnownConsents, Standings } from './standings.js';

const WS = 'ws_a';
const T = Date.parse('2026-03-01T12:00:00.000Z');
const DEFAULTS = ['behavioural_tracking', 'profiling'];
let made = 0;

function anEvent(over: Partial<Omit<Entry, 'body'>> & { body?: object | string } = {}): Entry {
  const { body = {}, ...header } = over;
  made += 1;
  return {
    kind: 'event', workspace: WS, profileId: 'p', type: 'track', name: 'Order Completed', messageId: `m${made}`,
    timestampMs: T, appendedAtMs: T, source: 0, offset: made, ...header,
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  };
}

const aDecision = (decision: string, over: Partial<Omit<Entry, 'body'>> = {}, properties: object = {}): Entry =>
  anEvent({ name: 'Consent Updated', ...over, body: { properties: { purpose: 'behavioural_tracking', decision, ...properties } } });

const knowing = (known: Partial<KnownConsents> = {}): Standings => new Standings({ policies: [], decisions: [], merges: [], ...known });

const withdrawn = (profileId = 'p', purpose = 'behavioural_tracking', atMs = T - 1_000): KnownConsents['decisions'][number] => ({
  workspace: WS, profileId, purpose, decision: 'withdrawn', atMs, receipt: 'r0',
});

const pass = (standings: Standings, ...entries: Entry[]): Passage[] => entries.map((entry) => passGate(entry, standings));
const kinds = (passages: readonly Passage[]): string[] => passages.map(({ passage }) => passage);

describe('an event', () => {
  test('of somebody who never said anything goes on for the opt-out purposes', () => {
    expect(pass(knowing(), anEvent())).toEqual([{ passage: 'allowed', purposes: DEFAULTS }]);
  });

  test('of somebody who withdrew processing goes no further', () => {
    expect(pass(knowing({ decisions: [withdrawn()] }), anEvent())).toEqual([{ passage: 'refused', reason: 'no_consent' }]);
  });

  test('of somebody who withdrew something else goes on without it', () => {
    expect(pass(knowing({ decisions: [withdrawn('p', 'profiling')] }), anEvent())).toEqual([{ passage: 'allowed', purposes: ['behavioural_tracking'] }]);
  });

  test('of the same profile id in another workspace is another matter', () => {
    expect(kinds(pass(knowing({ decisions: [withdrawn()] }), anEvent({ workspace: 'ws_b' })))).toEqual(['allowed']);
  });

  test('of a workspace that made processing opt-in needs a grant', () => {
    const policies = [{ workspace: WS, purpose: 'behavioural_tracking', policy: 'opt-in' as const }];
    expect(kinds(pass(knowing({ policies }), anEvent(), aDecision('granted'), anEvent()))).toEqual(['refused', 'allowed', 'allowed']);
    expect(kinds(pass(knowing({ policies }), anEvent({ workspace: 'ws_b' })))).toEqual(['allowed']);
  });

  test('carries granted purposes that the workspace never defined', () => {
    const [passage] = pass(knowing({ decisions: [{ ...withdrawn('p', 'sms'), decision: 'granted' }] }), anEvent());
    expect(passage).toEqual({ passage: 'allowed', purposes: ['behavioural_tracking', 'profiling', 'sms'] });
  });
});

describe('without consent to processing', () => {
  const gate = () => knowing({ decisions: [withdrawn()] });

  test('an identify call passes with nothing but identifiers, and is refused as a whole with more', () => {
    const bare = anEvent({ type: 'identify', name: '', body: { userId: '42', traits: { email: 'ann@a.example' } } });
    const more = anEvent({ type: 'identify', name: '', body: { userId: '42', traits: { email: 'ann@a.example', plan: 'pro' } } });
    expect(pass(gate(), bare, more)).toEqual([{ passage: 'allowed', purposes: ['profiling'] }, { passage: 'refused', reason: 'no_consent' }]);
  });

  test.each(['page', 'screen', 'group', 'alias'])('a %s call is refused', (type) => {
    expect(kinds(pass(gate(), anEvent({ type, name: '' })))).toEqual(['refused']);
  });

  test('a consent decision passes, and one of another type by that name does not', () => {
    expect(kinds(pass(gate(), aDecision('withdrawn', {}, { purpose: 'email_marketing' }), anEvent({ type: 'page', name: 'Consent Updated' })))).toEqual(['allowed', 'refused']);
  });
});

describe('inside a batch', () => {
  test('a withdrawal counts for every later entry of the person and of nobody else', () => {
    const entries = [anEvent(), aDecision('withdrawn'), anEvent(), anEvent({ profileId: 'q' })];
    expect(kinds(pass(knowing(), ...entries))).toEqual(['allowed', 'allowed', 'refused', 'allowed']);
  });

  test('a withdrawal that was made before a grant, and comes after it, changes nothing', () => {
    const entries = [aDecision('granted', {}, { occurredAt: '2026-02-01T00:00:00Z' }), aDecision('withdrawn', {}, { occurredAt: '2026-01-01T00:00:00Z' }), anEvent()];
    expect(kinds(pass(knowing(), ...entries))).toEqual(['allowed', 'allowed', 'allowed']);
  });

  test('of a grant and a withdrawal made at one instant the withdrawal stands, in any order', () => {
    for (const order of [['granted', 'withdrawn'], ['withdrawn', 'granted']]) {
      expect(kinds(pass(knowing(), ...order.map((decision) => aDecision(decision)), anEvent()))).toEqual(['allowed', 'allowed', 'refused']);
    }
  });

  test('a decision says for the ledger what stood before it', () => {
    const first = aDecision('withdrawn');
    const second = aDecision('granted', {}, { occurredAt: T + 1 });
    const [one, two] = pass(knowing(), first, { ...second, appendedAtMs: T + 5 });
    expect(one).toMatchObject({ consent: { decision: 'withdrawn', receipt: receiptOf(WS, first.messageId), previous: null } });
    expect(two).toMatchObject({ consent: { decision: 'granted', previous: receiptOf(WS, first.messageId) }, purposes: DEFAULTS });
  });

  test('a decision that comes twice is the same entry of the ledger', () => {
    const decision = aDecision('withdrawn');
    const [one, two] = pass(knowing(), decision, decision);
    expect(two).toEqual(one);
  });

  test('a merge makes a withdrawal of the loser count for the survivor at once', () => {
    const merging = anEvent({ kind: 'merging', profileId: 'p', other: 'q', type: '', name: '' });
    const entries = [anEvent(), merging, anEvent(), anEvent({ profileId: 'q' })];
    expect(pass(knowing({ decisions: [withdrawn('q')] }), ...entries)).toEqual([
      { passage: 'allowed', purposes: DEFAULTS },
      { passage: 'merge', loser: 'q', survivor: 'p', mergedMs: T },
      { passage: 'refused', reason: 'no_consent' },
      { passage: 'refused', reason: 'no_consent' },
    ]);
  });

  test('both partitions say the same of a merge', () => {
    const merged = anEvent({ kind: 'merged', profileId: 'q', other: 'p' });
    const merging = anEvent({ kind: 'merging', profileId: 'p', other: 'q' });
    const [one, two] = pass(knowing(), merged, merging);
    expect(two).toEqual(one);
  });

  test('a grant made after the merge lets the person through again', () => {
    const merging = anEvent({ kind: 'merging', profileId: 'p', other: 'q' });
    const before = aDecision('granted', {}, { occurredAt: T });
    const after = aDecision('granted', { appendedAtMs: T + 1 }, { occurredAt: T + 1 });
    expect(kinds(pass(knowing({ decisions: [withdrawn('q')] }), merging, before, anEvent(), after, anEvent()))).toEqual(['merge', 'allowed', 'refused', 'allowed', 'allowed']);
  });
});

describe('bad input', () => {
  test.each([['{'], [{}], [{ properties: null }], [{ properties: { purpose: 'x' } }], [{ properties: { purpose: 'UPPER', decision: 'granted' } }]])('a decision %j is set aside', (body) => {
    expect(pass(knowing(), anEvent({ name: 'Consent Updated', body }))).toEqual([{ passage: 'unreadable', reason: 'malformed_consent' }]);
  });

  test('an identify call that is no JSON does not slip through', () => {
    expect(kinds(pass(knowing({ decisions: [withdrawn()] }), anEvent({ type: 'identify', body: '{' })))).toEqual(['refused']);
  });

  test.each(['constructor', '__proto__', 'tostring'])('a purpose called %s is like any other', (purpose) => {
    expect(pass(knowing(), aDecision('granted', {}, { purpose }))).toEqual([expect.objectContaining({ purposes: [...DEFAULTS, purpose].sort() })]);
  });

  test.each(['transfer', 'score'] as const)('a %s entry is none of the gate’s business', (kind) => {
    expect(pass(knowing({ decisions: [withdrawn()] }), anEvent({ kind }))).toEqual([{ passage: 'untouched' }]);
  });
});

test('wherever a withdrawal comes between events, exactly those after it are refused, until a grant', () => {
  const step = fc.constantFrom('event', 'withdrawn', 'granted');
  fc.assert(
    fc.property(fc.array(fc.tuple(step, fc.constantFrom('p', 'q')), { maxLength: 30 }), fc.nat({ max: 29 }), (steps, split) => {
      const entries = steps.map(([what, profileId], index) => {
        const at = { profileId, timestampMs: T + index, appendedAtMs: T + index };
        return what === 'event' ? anEvent(at) : aDecision(what, at);
      });
      const stands = new Map<string, string>();
      const expected = steps.map(([what, profileId]) => {
        if (what !== 'event') stands.set(profileId, what);
        return what !== 'event' || stands.get(profileId) !== 'withdrawn' ? 'allowed' : 'refused';
      });
      // Where one batch ends and the next begins makes no difference.
      const [first, second] = [entries.slice(0, split), entries.slice(split)];
      const before = knowing();
      const answers = pass(before, ...first);
      const decisions = answers.flatMap((passage, index) => {
        const { workspace, profileId } = first[index] as Entry;
        return passage.passage === 'allowed' && passage.consent ? [{ ...passage.consent, workspace, profileId, atMs: passage.consent.occurredAtMs }] : [];
      });
      const latest = [...new Map(decisions.map((decision) => [decision.profileId, decision])).values()];
      expect([...kinds(answers), ...kinds(pass(knowing({ decisions: latest }), ...second))]).toEqual(expected);
    }),
  );
});

describe('from a source that cannot speak for others', () => {
  const fromBrowser = (decision: string, purpose: string): Entry => aDecision(decision, { speaker: 'untrusted' }, { purpose });
  const purposesAfter = (...entries: Entry[]): readonly string[] => {
    const standings = knowing();
    pass(standings, ...entries);
    return standings.allowed(WS, 'p');
  };

  test('a withdrawal counts, of whatever purpose', () => {
    expect(purposesAfter(aDecision('granted', {}, { purpose: 'email_marketing', occurredAt: T - 1 }), fromBrowser('withdrawn', 'email_marketing'), fromBrowser('withdrawn', 'profiling'))).toEqual(['behavioural_tracking']);
  });

  test('a grant counts for what the browser itself sends, as a banner says it', () => {
    const policies = [{ workspace: WS, purpose: 'behavioural_tracking', policy: 'opt-in' as const }];
    expect(kinds(pass(knowing({ policies }), anEvent(), fromBrowser('granted', 'behavioural_tracking'), anEvent()))).toEqual(['refused', 'allowed', 'allowed']);
  });

  test.each(['email_marketing', 'data_sharing', 'sms'])('a grant of %s counts for nothing', (purpose) => {
    expect(pass(knowing(), fromBrowser('granted', purpose))).toEqual([{ passage: 'refused', reason: 'untrusted_grant' }]);
    expect(purposesAfter(fromBrowser('granted', purpose))).not.toContain(purpose);
  });

  test('no grant overrules a withdrawal, whatever time it claims', () => {
    const standings = knowing({ decisions: [withdrawn()] });
    expect(pass(standings, fromBrowser('granted', 'behavioural_tracking'), anEvent())).toEqual([{ passage: 'refused', reason: 'untrusted_grant' }, { passage: 'refused', reason: 'no_consent' }]);
  });
});

describe('a change of a static list', () => {
  const withdrawal = { decisions: [withdrawn()] };

  test('by one of our services passes without consent: nobody did anything', () => {
    expect(kinds(pass(knowing(withdrawal), anEvent({ name: 'List Membership Changed', speaker: 'service' })))).toEqual(['allowed']);
  });

  test('is an event like any other from anybody else, and no other event passes with it', () => {
    expect(kinds(pass(knowing(withdrawal), anEvent({ name: 'List Membership Changed' }), anEvent({ speaker: 'service' })))).toEqual(['refused', 'refused']);
  });
});
