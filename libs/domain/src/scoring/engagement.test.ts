import fc from 'fast-check';
import cases from './engagement.cases.json' with { type: 'json' };
import { addMail, addPageView, type EngagementState, isApproximate, type MailFact, MAILS_MAX, newEngagement, nextChangeMs, prune, scoreAt, scoreCurve, unite } from './engagement.js';
import { type EngagementModel, scoreOf, standardEngagement } from './score-model.js';

const MINUTE_MS = 60_000;

interface Fact {
  readonly fact: MailFact | 'view';
  readonly atMs: number;
  readonly emailId?: string;
}

function engagementOf(facts: readonly Fact[], model = standardEngagement): EngagementState {
  const state = newEngagement();
  for (const fact of facts) add(state, fact, model);
  return state;
}

function add(state: EngagementState, { fact, atMs, emailId }: Fact, model = standardEngagement): void {
  if (fact === 'view') addPageView(state, atMs, model);
  else addMail(state, emailId as string, fact, atMs);
}

describe('the table of engagement scores', () => {
  test.each(cases)('$name', ({ events, atMinute, plusMs = 0, score, changesAtMinute }) => {
    const facts = events.map(([fact, minute, emailId]) => ({ fact, atMs: (minute as number) * MINUTE_MS, emailId }) as Fact);
    const state = engagementOf(facts);
    const atMs = atMinute * MINUTE_MS + plusMs;
    expect(scoreAt(state, atMs, standardEngagement)).toBe(score);
    expect(nextChangeMs(state, atMs, standardEngagement)).toBe(changesAtMinute === null ? null : changesAtMinute * MINUTE_MS);
  });
});

/** Small numbers, so that windows end, sessions touch and instants coincide all the time. */
const model: EngagementModel = { ...standardEngagement, mailWindowMs: 30, visitWindowMs: 20, sessionGapMs: 4, sessionsMax: 3 };
const HORIZON_MS = 60;

const anyFact: fc.Arbitrary<Fact> = fc.record({
  fact: fc.constantFrom<Fact['fact']>('delivered', 'opened', 'clicked', 'view', 'view'),
  atMs: fc.integer({ min: 0, max: HORIZON_MS }),
  emailId: fc.constantFrom('a', 'b', 'c', 'd'),
});
const anyFacts = fc.array(anyFact, { maxLength: 25 });

/** The definition, word for word, over the list of all facts known. */
function scoreByDefinition(facts: readonly Fact[], atMs: number): number {
  const mails = (fact: MailFact): number =>
    new Set(facts.filter((one) => one.fact === fact && one.atMs > atMs - model.mailWindowMs && one.atMs <= atMs).map(({ emailId }) => emailId)).size;
  const views = facts.filter(({ fact }) => fact === 'view').map((view) => view.atMs).sort((a, b) => a - b);
  const sessions = views.filter((view, index) => {
    const isInWindow = view > atMs - model.visitWindowMs && view <= atMs;
    return isInWindow && !views.slice(0, index).some((before) => before > view - model.sessionGapMs);
  });
  return scoreOf({ delivered: mails('delivered'), opened: mails('opened'), clicked: mails('clicked'), sessions: sessions.length }, model);
}

describe('engagement', () => {
  test('is what the definition says, at every instant from the last fact on', () => {
    fc.assert(fc.property(anyFacts, fc.integer({ min: HORIZON_MS, max: 2 * HORIZON_MS }), (facts, atMs) => {
      expect(scoreAt(engagementOf(facts, model), atMs, model)).toBe(scoreByDefinition(facts, atMs));
    }), { numRuns: 2_000 });
  });

  test('changes next exactly when it says: not before, and then', () => {
    fc.assert(fc.property(anyFacts, fc.integer({ min: HORIZON_MS, max: 2 * HORIZON_MS }), (facts, atMs) => {
      const state = engagementOf(facts, model);
      const score = scoreAt(state, atMs, model);
      const nextMs = nextChangeMs(state, atMs, model);
      const untilMs = nextMs ?? 3 * HORIZON_MS;
      const before = Array.from({ length: untilMs - atMs }, (_, index) => scoreAt(state, atMs + index, model));
      return before.every((one) => one === score) && (nextMs === null || scoreAt(state, nextMs, model) !== score);
    }), { numRuns: 1_000 });
  });

  test('has a curve that is its whole future', () => {
    fc.assert(fc.property(anyFacts, (facts) => {
      const state = engagementOf(facts, model);
      const curve = scoreCurve(state, HORIZON_MS, model, 1_000);
      const instants = Array.from({ length: 2 * HORIZON_MS }, (_, index) => HORIZON_MS + index);
      const scores = instants.map((instant) => curve.findLast(({ fromMs }) => fromMs <= instant)?.score);
      expect(scores).toEqual(instants.map((instant) => scoreAt(state, instant, model)));
      expect(scores.at(-1)).toBe(0);
    }), { numRuns: 500 });
  });

  test('does not depend on the order in which facts arrive, nor on how often', () => {
    fc.assert(fc.property(anyFacts, fc.infiniteStream(fc.nat()), (facts, keys) => {
      const doubled = [...facts, ...facts].map((fact) => ({ fact, key: keys.next().value as number })).sort((a, b) => a.key - b.key);
      const state = engagementOf(doubled.map(({ fact }) => fact), model);
      expect(sorted(state)).toEqual(sorted(engagementOf(facts, model)));
    }), { numRuns: 1_000 });
  });

  test('of a merged pair is that of the union of their facts, whoever survives', () => {
    fc.assert(fc.property(anyFacts, anyFacts, (left, right) => {
      const union = sorted(engagementOf([...left, ...right], model));
      const [one, other] = [engagementOf(left, model), engagementOf(right, model)];
      unite(one, engagementOf(right, model), model);
      unite(other, engagementOf(left, model), model);
      unite(other, engagementOf(left, model), model);
      expect(sorted(one)).toEqual(union);
      expect(sorted(other)).toEqual(union);
    }), { numRuns: 1_000 });
  });

  test('loses nothing by forgetting as it goes, even when facts arrive late', () => {
    // Each fact arrives some time after it happened; the state is pruned at each arrival.
    const arrivals = fc.array(fc.record({ fact: anyFact, lateMs: fc.integer({ min: 0, max: 40 }) }), { maxLength: 25 });
    fc.assert(fc.property(arrivals, (list) => {
      const inOrder = list.map(({ fact, lateMs }) => ({ fact, knownMs: fact.atMs + lateMs })).sort((a, b) => a.knownMs - b.knownMs);
      const state = newEngagement();
      inOrder.forEach(({ fact, knownMs }, index) => {
        add(state, fact, model);
        prune(state, knownMs, model);
        const known = inOrder.slice(0, index + 1).map((one) => one.fact);
        const instants = [knownMs, knownMs + 1, knownMs + 7, knownMs + 31];
        expect(instants.map((atMs) => scoreAt(state, atMs, model))).toEqual(instants.map((atMs) => scoreByDefinition(known, atMs)));
      });
    }), { numRuns: 500 });
  });

  test('remembers a view that has left the window as long as it can keep a late one from beginning a session', () => {
    const state = engagementOf([{ fact: 'view', atMs: 0 }], model);
    prune(state, model.visitWindowMs, model);
    addPageView(state, model.sessionGapMs - 1, model);
    expect(scoreAt(state, model.visitWindowMs + 1, model)).toBe(0);
    prune(state, model.visitWindowMs + 2 * model.sessionGapMs, model);
    expect(state.views).toEqual([]);
  });

  test('keeps a bounded number of mails, and says so when that may make it wrong', () => {
    const state = newEngagement();
    for (let index = 0; index <= MAILS_MAX; index++) addMail(state, `m${index}`, 'delivered', index);
    expect(state.mails.size).toBe(MAILS_MAX);
    expect(state.mails.has('m0')).toBe(false);
    expect(isApproximate(state, MAILS_MAX, standardEngagement)).toBe(true);
    expect(isApproximate(state, standardEngagement.mailWindowMs, standardEngagement)).toBe(false);
  });
});

function sorted({ mails, views }: EngagementState): object {
  return { mails: [...mails].sort(([a], [b]) => (a < b ? -1 : 1)), views };
}
