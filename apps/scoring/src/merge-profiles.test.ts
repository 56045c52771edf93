import fc from 'fast-check';
import type { Entry } from '@tributary/contracts/entry';
import { decodeStraggler } from '@tributary/contracts/straggler';
import type { Transfer } from '@tributary/contracts/transfer';
import { scoreCurve } from '@tributary/domain/scoring/engagement';
import { standardEngagement } from '@tributary/domain/scoring/score-model';
import { presentTraits } from '@tributary/domain/scoring/traits';
import type { KeptProfile } from './profile-store.postgres.js';
import { ScoringStage } from './scoring.stage.js';
import { ADA, aMail, aMerge, anEntry, anIdentify, aPageView, BOB, CLEO, NOON_MS, transferOf } from './testing/an-entry.js';
import { FoldDriver } from './testing/drive-fold.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const WEEK_MS = 7 * 24 * HOUR_MS;

function aDriver(): FoldDriver<KeptProfile> {
  return new FoldDriver(new ScoringStage({ load: () => Promise.resolve(new Map()) }, () => standardEngagement));
}

/** What a profile amounts to from `atMs` on. */
function essenceOf(state: KeptProfile, atMs: number): object {
  return {
    traits: presentTraits(state.traits),
    computed: { ...state.computed },
    curve: state.engagement === null ? [] : scoreCurve(state.engagement, atMs, standardEngagement, 1_000),
    score: state.scores.engagement,
    dueMs: state.dueMs,
    createdMs: state.createdMs,
  };
}

function transferIn(entry: Entry | undefined): Transfer {
  return JSON.parse((entry as Entry).body.toString()) as Transfer;
}

const bySeconds = (seconds: number): number => NOON_MS + seconds * 1_000;

describe('a merge', () => {
  test('hands the whole state of the loser to the survivor, and leaves a redirect', () => {
    const driver = aDriver();
    driver.apply(aPageView({ profileId: BOB }), anIdentify({ plan: 'pro' }, { profileId: BOB }));
    const [merged, merging] = aMerge(BOB, ADA, bySeconds(1));
    driver.apply(merged, merging);
    expect(driver.forwarded.slice(2).map(({ kind, profileId, other }) => [kind, profileId, other])).toEqual([['merged', BOB, ADA], ['merging', ADA, BOB]]);
    expect(transferIn(driver.forwarded[2])).toMatchObject({ survivor: ADA, loser: BOB, stragglers: [] });
    expect(driver.stateOf(BOB)).toMatchObject({ survivor: ADA, engagement: null, dueMs: null, scores: { engagement: 0 } });

    driver.apply(transferOf(driver.forwarded[2] as Entry, bySeconds(2)));
    expect(driver.forwarded.at(-1)).toMatchObject({ kind: 'transfer', profileId: ADA, other: BOB, scores: { engagement: 3_000_000 } });
    expect(presentTraits(driver.stateOf(ADA).traits)).toEqual({ plan: 'pro' });
    expect(driver.stateOf(ADA)).toMatchObject({ createdMs: NOON_MS, dueMs: NOON_MS + WEEK_MS, computed: { events: 1 } });
  });

  test('puts nobody out: while the state of the loser is awaited, nothing runs out', () => {
    const driver = aDriver();
    driver.apply(aPageView());
    const [merged, merging] = aMerge(BOB, ADA, NOON_MS + WEEK_MS - HOUR_MS);
    driver.apply(merged, merging);
    const transfer = driver.forwarded.at(-2) as Entry;
    driver.passTime(NOON_MS + 2 * WEEK_MS);
    // Neither time nor what an event makes of it.
    driver.apply(aMail('Email Delivered', 'a', { appendedAtMs: NOON_MS + WEEK_MS + HOUR_MS }));
    expect(driver.forwarded.map(({ kind, scores }) => [kind, scores?.['engagement']])).toEqual([
      ['event', 3_000_000], ['merged', 0], ['merging', 3_000_000], ['event', 3_000_000],
    ]);
    driver.apply(transferOf(transfer, NOON_MS + WEEK_MS + 2 * HOUR_MS));
    expect(driver.forwarded.slice(4).map(({ kind, appendedAtMs, scores }) => [kind, appendedAtMs, scores?.['engagement']])).toEqual([
      ['score', NOON_MS + WEEK_MS, 0], ['transfer', NOON_MS + WEEK_MS + 2 * HOUR_MS, 0],
    ]);
  });

  test('of a profile that renewed on the other side in time has never put it out', () => {
    const driver = aDriver();
    const leavesMs = NOON_MS + WEEK_MS;
    driver.apply(aPageView(), aPageView({ profileId: BOB, appendedAtMs: leavesMs - HOUR_MS }));
    driver.apply(...aMerge(BOB, ADA, leavesMs - MINUTE_MS));
    driver.passTime(leavesMs + HOUR_MS);
    driver.apply(transferOf(driver.forwarded[2] as Entry, leavesMs + HOUR_MS));
    const scores = driver.forwarded.filter(({ profileId }) => profileId === ADA).map(({ kind, appendedAtMs, scores }) => [kind, appendedAtMs, scores?.['engagement']]);
    // Two sessions until the older one leaves at its own instant; never none.
    expect(scores).toEqual([['event', NOON_MS, 3_000_000], ['merging', leavesMs - MINUTE_MS, 3_000_000], ['score', leavesMs, 3_000_000], ['transfer', leavesMs + HOUR_MS, 3_000_000]]);
  });

  test('lets time go on only when the last of several states has arrived', () => {
    const driver = aDriver();
    driver.apply(aPageView());
    const [bobMerged, bobMerging] = aMerge(BOB, ADA, bySeconds(1));
    const [cleoMerged, cleoMerging] = aMerge(CLEO, ADA, bySeconds(2));
    driver.apply(bobMerged, bobMerging, cleoMerged, cleoMerging);
    const [ofBob, ofCleo] = driver.forwarded.filter(({ kind }) => kind === 'merged') as [Entry, Entry];
    driver.apply(transferOf(ofCleo, bySeconds(3)));
    expect(driver.stage.dueMs(driver.stateOf(ADA))).toBeNull();
    driver.apply(transferOf(ofBob, bySeconds(4)));
    expect(driver.stage.dueMs(driver.stateOf(ADA))).toBe(NOON_MS + WEEK_MS);
  });

  test('brings an event that reached the loser too late to the survivor, once', () => {
    const driver = aDriver();
    driver.apply(...aMerge(BOB, ADA, bySeconds(1)));
    const straggler = aPageView({ profileId: BOB, appendedAtMs: bySeconds(2) });
    driver.apply(straggler);
    const passedOn = driver.forwarded.at(-1) as Entry;
    expect(passedOn).toMatchObject({ kind: 'merged', profileId: BOB, other: ADA, messageId: straggler.messageId });
    expect(transferIn(passedOn).states).toEqual({});
    expect(transferIn(passedOn).stragglers.map(decodeStraggler)).toEqual([straggler]);

    driver.apply(transferOf(driver.forwarded[0] as Entry, bySeconds(3)), transferOf(passedOn, bySeconds(4)), transferOf(passedOn, bySeconds(5)));
    expect(driver.forwarded.slice(-2).map(({ scores }) => scores)).toEqual([{ engagement: 3_000_000 }, { engagement: 3_000_000 }]);
    expect(driver.stateOf(ADA).computed.events).toBe(1);
  });

  test('told twice changes nothing', () => {
    const driver = aDriver();
    driver.apply(aPageView({ profileId: BOB }), anEntry({ profileId: BOB }));
    const merge = aMerge(BOB, ADA, bySeconds(1));
    driver.apply(...merge);
    const transfer = driver.forwarded[2] as Entry;
    driver.apply(transferOf(transfer, bySeconds(2)));
    const before = essenceOf(driver.stateOf(ADA), bySeconds(9));
    driver.apply(transferOf(transfer, bySeconds(3)), ...merge.map((entry) => ({ ...entry, appendedAtMs: bySeconds(4) })));
    expect(essenceOf(driver.stateOf(ADA), bySeconds(9))).toEqual(before);
    expect(driver.stateOf(ADA).awaiting.size).toBe(0);
    expect(driver.dropped).toEqual(['already_merged']);
  });

  test('into a profile that is itself merged before the state arrives reaches the last survivor, which waits for it', () => {
    const driver = aDriver();
    driver.apply(aPageView({ profileId: BOB }), aPageView({ profileId: ADA, appendedAtMs: bySeconds(3_600) }), aPageView({ profileId: CLEO, appendedAtMs: bySeconds(7_200) }));
    driver.apply(...aMerge(BOB, ADA, bySeconds(7_201)));
    const ofBob = driver.forwarded.at(-2) as Entry;
    driver.apply(...aMerge(ADA, CLEO, bySeconds(7_202)));
    const ofAda = driver.forwarded.at(-2) as Entry;
    driver.apply(transferOf(ofAda, bySeconds(7_203)));
    expect([...driver.stateOf(CLEO).awaiting]).toEqual([BOB]);
    // The transfer to Ada finds her merged and is sent on.
    driver.apply(transferOf(ofBob, bySeconds(7_204)));
    const passedOn = driver.forwarded.at(-1) as Entry;
    expect(passedOn).toMatchObject({ kind: 'merged', profileId: ADA, other: CLEO });
    driver.apply(transferOf(passedOn, bySeconds(7_205)));
    expect(driver.stateOf(CLEO)).toMatchObject({ scores: { engagement: 9_000_000 }, dueMs: NOON_MS + WEEK_MS, computed: { events: 3 } });
    expect(driver.stateOf(CLEO).awaiting.size).toBe(0);
  });

  test('announced to a profile that is merged already makes the last survivor wait', () => {
    const driver = aDriver();
    driver.apply(...aMerge(ADA, CLEO, bySeconds(1)));
    driver.apply(transferOf(driver.forwarded[0] as Entry, bySeconds(2)));
    const [merged, merging] = aMerge(BOB, ADA, bySeconds(3));
    driver.apply(merged, merging);
    driver.apply(transferOf(driver.forwarded.at(-1) as Entry, bySeconds(4)));
    expect([...driver.stateOf(CLEO).awaiting]).toEqual([BOB]);
    const ofBob = transferOf(driver.forwarded.find(({ kind, profileId }) => kind === 'merged' && profileId === BOB) as Entry, bySeconds(5));
    driver.apply(ofBob);
    driver.apply(transferOf(driver.forwarded.at(-1) as Entry, bySeconds(6)));
    expect(driver.stateOf(CLEO).awaiting.size).toBe(0);
  });

  test('makes of two profiles what one would be that had all their events', () => {
    const anyEvent = fc.record({
      loses: fc.boolean(),
      second: fc.integer({ min: 0, max: 100 }),
      lateMs: fc.integer({ min: 0, max: 3 * HOUR_MS }),
      make: fc.constantFrom<((fields: object) => Entry)[]>(
        (fields) => aPageView(fields),
        (fields) => aMail('Email Delivered', 'a', fields),
        (fields) => aMail('Email Delivered', 'b', fields),
        (fields) => aMail('Email Opened', 'a', fields),
        (fields) => anIdentify({ plan: 'pro', city: null }, fields),
        (fields) => anIdentify({ plan: null, city: 'Ulm' }, fields),
        (fields) => anEntry({ name: 'Order Completed', ...fields }),
      ),
    });
    const any = fc.record({ events: fc.array(anyEvent, { maxLength: 20 }), mergeSecond: fc.integer({ min: 0, max: 100 }), transferAfterSeconds: fc.integer({ min: 1, max: 60 }) });
    fc.assert(fc.property(any, ({ events, mergeSecond, transferAfterSeconds }) => {
      const entries = events.map(({ loses, second, lateMs, make }, index) =>
        make({ profileId: loses ? BOB : ADA, appendedAtMs: bySeconds(second), timestampMs: bySeconds(second) - lateMs, messageId: `m${index}` }));
      const [merged, merging] = aMerge(BOB, ADA, bySeconds(mergeSecond));
      const driver = aDriver();
      const timeline = [...entries, merged, merging].sort((a, b) => a.appendedAtMs - b.appendedAtMs);
      const arrivals: Entry[] = [];
      for (const entry of timeline) {
        driver.passTime(entry.appendedAtMs);
        while (arrivals.length > 0 && (arrivals[0] as Entry).appendedAtMs <= entry.appendedAtMs) driver.apply(arrivals.shift() as Entry);
        driver.apply(entry);
        const last = driver.forwarded.at(-1) as Entry;
        if (last.kind === 'merged') arrivals.push(transferOf(last, last.appendedAtMs + transferAfterSeconds * 1_000));
      }
      driver.apply(...arrivals);

      const endMs = bySeconds(1_000);
      const one = aDriver();
      one.apply(...entries.map((entry) => ({ ...entry, profileId: ADA })).sort((a, b) => a.appendedAtMs - b.appendedAtMs));
      one.passTime(endMs);
      driver.passTime(endMs);
      const expected = entries.length === 0 ? {} : { ...essenceOf(one.stateOf(ADA), endMs), createdMs: expect.any(Number) as unknown };
      expect(essenceOf(driver.stateOf(ADA), endMs)).toMatchObject(expected);
    }), { numRuns: 500 });
  });
});
