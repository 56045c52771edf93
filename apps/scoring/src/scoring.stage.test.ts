import fc from 'fast-check';
import type { Entry } from '@tributary/contracts/entry';
import { encodeState } from '@tributary/domain/scoring/encode-state';
import { standardEngagement } from '@tributary/domain/scoring/score-model';
import { presentTraits } from '@tributary/domain/scoring/traits';
import type { KeptProfile } from './profile-store.postgres.js';
import { ScoringStage } from './scoring.stage.js';
import { ADA, aMail, anEntry, anIdentify, aPageView, NOON_MS, WORKSPACE } from './testing/an-entry.js';
import { FoldDriver } from './testing/drive-fold.js';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;

function aDriver(): FoldDriver<KeptProfile> {
  return new FoldDriver(new ScoringStage({ load: () => Promise.resolve(new Map()) }, () => standardEngagement));
}

function scoresOf(entries: readonly Entry[]): (readonly [kind: string, appendedAtMs: number, score: number | undefined])[] {
  return entries.map(({ kind, appendedAtMs, scores }) => [kind, appendedAtMs, scores?.['engagement']]);
}

describe('the scoring stage', () => {
  test('forwards an event with the score after it, and leaves everything else as it came', () => {
    const driver = aDriver();
    const view = aPageView({ purposes: ['profiling'], traceparent: '00-1-2-01', source: 3, offset: 9 });
    driver.apply(view);
    expect(driver.forwarded).toEqual([{ ...view, source: 0, offset: 1, scores: { engagement: 3_000_000 } }]);
    expect(driver.forwarded[0]?.body).toBe(view.body);
  });

  test('lowers the score by time alone, at the exact instant, as an entry of its own', () => {
    const driver = aDriver();
    driver.apply(aPageView(), aPageView({ appendedAtMs: NOON_MS + 45 * MINUTE_MS }));
    driver.passTime(NOON_MS + 2 * WEEK_MS);
    expect(scoresOf(driver.forwarded).slice(2)).toEqual([
      ['score', NOON_MS + WEEK_MS, 3_000_000],
      ['score', NOON_MS + WEEK_MS + 45 * MINUTE_MS, 0],
    ]);
    expect(driver.forwarded[2]).toMatchObject({ profileId: ADA, timestampMs: NOON_MS + WEEK_MS, type: '', name: '' });
    expect(driver.stage.dueMs(driver.stateOf(ADA))).toBeNull();
  });

  test('fires nothing that is due at the very instant up to which time has passed', () => {
    const driver = aDriver();
    driver.apply(aPageView());
    driver.passTime(NOON_MS + WEEK_MS);
    expect(driver.forwarded).toHaveLength(1);
  });

  test('sees no change when an event comes at exactly the instant at which an older one leaves', () => {
    const driver = aDriver();
    driver.apply(aPageView(), aPageView({ appendedAtMs: NOON_MS + WEEK_MS }));
    driver.passTime(NOON_MS + WEEK_MS + DAY_MS);
    expect(scoresOf(driver.forwarded)).toEqual([['event', NOON_MS, 3_000_000], ['event', NOON_MS + WEEK_MS, 3_000_000]]);
  });

  test('keeps the score that stands until expiry when an event that it does not see comes at that instant', () => {
    const driver = aDriver();
    driver.apply(aPageView(), anEntry({ appendedAtMs: NOON_MS + WEEK_MS }));
    driver.passTime(NOON_MS + WEEK_MS + 1);
    expect(scoresOf(driver.forwarded).slice(1)).toEqual([['event', NOON_MS + WEEK_MS, 3_000_000], ['score', NOON_MS + WEEK_MS, 0]]);
  });

  test('counts a late event into the window in which it happened', () => {
    const driver = aDriver();
    driver.apply(aPageView({ timestampMs: NOON_MS - WEEK_MS + 1, appendedAtMs: NOON_MS }), aPageView({ timestampMs: NOON_MS - WEEK_MS, appendedAtMs: NOON_MS }));
    expect(scoresOf(driver.forwarded).map(([, , score]) => score)).toEqual([3_000_000, 0]);
    driver.passTime(NOON_MS + DAY_MS);
    expect(driver.forwarded).toHaveLength(2);
  });

  test('does not count opens and clicks by machines', () => {
    const driver = aDriver();
    driver.apply(aMail('Email Delivered', 'a'), aMail('Email Opened', 'a', { body: { properties: { email_id: 'a', machine: true } } }));
    expect(driver.forwarded.at(-1)?.scores).toEqual({ engagement: 0 });
    driver.apply(aMail('Email Opened', 'a'));
    expect(driver.forwarded.at(-1)?.scores).toEqual({ engagement: 40_000_000 });
  });

  test('reads an event as the history will have it', () => {
    const driver = aDriver();
    driver.apply(aMail('Email Delivered', 'a\u0000'), anIdentify({ 'na\u0000me': '\ud800' }));
    expect([...(driver.stateOf(ADA).engagement?.mails.keys() ?? [])]).toEqual(['a\ufffd']);
    expect(presentTraits(driver.stateOf(ADA).traits)).toEqual({ 'na\ufffdme': '\ufffd' });
  });

  test('gives the same state for every order of arrival', () => {
    const history = [
      aPageView({ timestampMs: NOON_MS }), aPageView({ timestampMs: NOON_MS + 20 * MINUTE_MS }), aPageView({ timestampMs: NOON_MS + 55 * MINUTE_MS }),
      aMail('Email Delivered', 'a', { timestampMs: NOON_MS }), aMail('Email Opened', 'a', { timestampMs: NOON_MS + 1 }), aMail('Email Delivered', 7, { timestampMs: NOON_MS }),
      anIdentify({ plan: 'free', city: 'Ulm' }, { timestampMs: NOON_MS }), anIdentify({ plan: 'pro', city: null }, { timestampMs: NOON_MS + 1 }), anEntry({ name: 'Order Completed' }),
    ];
    const knownMs = NOON_MS + DAY_MS;
    const finalOf = (entries: readonly Entry[]): object => {
      const driver = aDriver();
      driver.apply(...entries.map((entry) => ({ ...entry, appendedAtMs: knownMs })));
      const state = driver.stateOf(ADA);
      return { ...state, traits: [...state.traits].sort(), engagement: { ...state.engagement, mails: [...(state.engagement?.mails ?? [])].sort() } };
    };
    fc.assert(fc.property(fc.shuffledSubarray(history, { minLength: history.length }), (shuffled) => {
      expect(finalOf(shuffled)).toEqual(finalOf(history));
    }), { numRuns: 100 });
  });

  test('keeps traits of identify events alone', () => {
    const driver = aDriver();
    driver.apply(anIdentify({ plan: 'pro' }), anEntry({ type: 'group', name: '', body: { traits: { plan: 'group' } } }), anEntry({ body: { context: { traits: { plan: 'context' } } } }));
    expect(presentTraits(driver.stateOf(ADA).traits)).toEqual({ plan: 'pro' });
  });

  test('parks an event that should count but cannot be read, and such a profile does not come to exist', async () => {
    const driver = aDriver();
    const broken = anIdentify({}, { body: Buffer.from('{"traits":') });
    driver.apply(broken);
    expect(driver.parked).toEqual([{ entry: broken, reason: 'malformed_body' }]);
    expect(driver.forwarded).toEqual([]);
    expect(await driver.save()).toEqual([]);
  });

  test('parks entries of a kind that nobody sends here', () => {
    const driver = aDriver();
    driver.apply(anEntry({ kind: 'score' }), anEntry({ kind: 'merged' }), anEntry({ kind: 'merging' }), anEntry({ kind: 'transfer', body: { nonsense: true } }));
    expect(driver.parked.map(({ reason }) => reason)).toEqual(['unexpected_kind', 'merge_without_survivor', 'merge_without_loser', 'malformed_transfer']);
  });

  test('gathers a batch once: what was saved or thrown away does not come again', async () => {
    const driver = aDriver();
    driver.apply(anEntry());
    expect(await driver.save()).toHaveLength(2);
    driver.apply(anEntry());
    driver.stage.reset?.([]);
    expect(await driver.save()).toHaveLength(1);
  });

  test('remembers a typical profile in a few hundred bytes', () => {
    const driver = aDriver();
    driver.apply(anIdentify({ email: 'ada@example.com', plan: 'pro', city: 'Ulm' }, { messageId: 'ajs-next-1763900000000-5f0c2a' }));
    for (let index = 0; index < 5; index++) {
      driver.apply(aMail('Email Delivered', `0f8fad5b-d9cb-469f-a165-7086728950${index}`, { appendedAtMs: NOON_MS + index }), aPageView({ appendedAtMs: NOON_MS + index * 3 * MINUTE_MS * 20 }));
    }
    expect(encodeState(driver.stateOf(ADA)).length).toBeLessThan(900);
    expect(driver.stateOf(ADA)).toMatchObject({ workspace: WORKSPACE, createdMs: NOON_MS });
  });
});
