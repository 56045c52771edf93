import { type EngagementCounts, type EngagementModel, scoreOf } from './score-model.js';
import { addBurst, addView, type Bursts, dropBursts, sessionsAfter } from './sessions.js';

/** When a mail was last delivered, opened and clicked by the person; epoch ms, -Infinity where never. */
export interface MailTimes {
  delivered: number;
  opened: number;
  clicked: number;
}

export type MailFact = keyof MailTimes;

/**
 * What the engagement score remembers of one person: sets, not counters. Adding is idempotent and commutative, so
 * duplicates, disorder and merges need no special case. Everything in it is known: nothing lies after the instant at
 * which it is read.
 */
export interface EngagementState {
  /** By `email_id`. */
  readonly mails: Map<string, MailTimes>;
  readonly views: Bursts;
  /** The last instant of any mail that was forgotten to keep within `MAILS_MAX`; -Infinity where none was. */
  forgottenMs: number;
}

/** Mails kept of one person, well above what anybody is sent in a month. */
export const MAILS_MAX = 4_096;

export function newEngagement(): EngagementState {
  return { mails: new Map(), views: [], forgottenMs: -Infinity };
}

export function addMail(state: EngagementState, emailId: string, fact: MailFact, atMs: number): void {
  const mail = state.mails.get(emailId);
  if (mail === undefined) {
    state.mails.set(emailId, { delivered: -Infinity, opened: -Infinity, clicked: -Infinity, [fact]: atMs });
    if (state.mails.size > MAILS_MAX) forgetOldest(state);
  } else if (mail[fact] < atMs) {
    mail[fact] = atMs;
  }
}

export function addPageView(state: EngagementState, atMs: number, model: EngagementModel): void {
  addView(state.views, atMs, model.sessionGapMs);
}

/** Adds everything that `other` remembers. Any order of unions gives the same. */
export function unite(state: EngagementState, other: EngagementState, model: EngagementModel): void {
  for (const [emailId, mail] of other.mails) {
    if (mail.delivered > -Infinity) addMail(state, emailId, 'delivered', mail.delivered);
    if (mail.opened > -Infinity) addMail(state, emailId, 'opened', mail.opened);
    if (mail.clicked > -Infinity) addMail(state, emailId, 'clicked', mail.clicked);
  }
  for (let index = 0; index < other.views.length; index += 2) {
    addBurst(state.views, other.views[index] as number, other.views[index + 1] as number, model.sessionGapMs);
  }
  state.forgottenMs = Math.max(state.forgottenMs, other.forgottenMs);
}

/** Forgets what can change no score from `atMs` on, whatever is still to arrive. */
export function prune(state: EngagementState, atMs: number, model: EngagementModel): void {
  const mailsAfterMs = atMs - model.mailWindowMs;
  for (const [emailId, mail] of state.mails) {
    if (mail.delivered <= mailsAfterMs && mail.opened <= mailsAfterMs && mail.clicked <= mailsAfterMs) state.mails.delete(emailId);
  }
  // A view a gap older than the window still keeps a late one inside it from beginning a session.
  dropBursts(state.views, atMs - model.visitWindowMs - model.sessionGapMs);
}

export function countAt(state: EngagementState, atMs: number, model: EngagementModel): EngagementCounts {
  const mailsAfterMs = atMs - model.mailWindowMs;
  let delivered = 0;
  let opened = 0;
  let clicked = 0;
  for (const mail of state.mails.values()) {
    if (mail.delivered > mailsAfterMs) delivered++;
    if (mail.opened > mailsAfterMs) opened++;
    if (mail.clicked > mailsAfterMs) clicked++;
  }
  return { delivered, opened, clicked, sessions: sessionsAfter(state.views, atMs - model.visitWindowMs) };
}

/** In millionths, at `atMs`, which is at or after everything that the state was told. */
export function scoreAt(state: EngagementState, atMs: number, model: EngagementModel): number {
  return scoreOf(countAt(state, atMs, model), model);
}

/** True when more mails fall into the window than are kept one by one: the score may be off. */
export function isApproximate(state: EngagementState, atMs: number, model: EngagementModel): boolean {
  return state.forgottenMs > atMs - model.mailWindowMs;
}

/** From `fromMs` on the score is `score`, in millionths. */
export interface ScoreStep {
  readonly fromMs: number;
  readonly score: number;
}

/** The earliest instant after `atMs` at which the score differs from that at `atMs` by time alone, or null. */
export function nextChangeMs(state: EngagementState, atMs: number, model: EngagementModel): number | null {
  return futureSteps(state, atMs, model, 1)[0]?.fromMs ?? null;
}

/** The score at `fromMs` and all its future by time alone, at most `stepsMax` steps. It ends at 0 unless cut off. */
export function scoreCurve(state: EngagementState, fromMs: number, model: EngagementModel, stepsMax: number): readonly ScoreStep[] {
  return [{ fromMs, score: scoreAt(state, fromMs, model) }, ...futureSteps(state, fromMs, model, stepsMax - 1)];
}

/** What runs out, in the order of the numbers that stand for it in `expiriesAfter`. */
const RUNS_OUT = ['delivered', 'opened', 'clicked', 'sessions'] as const;

function futureSteps(state: EngagementState, atMs: number, model: EngagementModel, stepsMax: number): ScoreStep[] {
  const left = { ...countAt(state, atMs, model) };
  const expiries = expiriesAfter(state, atMs, model, left);
  const steps: ScoreStep[] = [];
  let score = scoreOf(left, model);
  for (let index = 0; index < expiries.length && steps.length < stepsMax; ) {
    const fromMs = instantOf(expiries[index] as number);
    for (; index < expiries.length && instantOf(expiries[index] as number) === fromMs; index++) {
      left[RUNS_OUT[(expiries[index] as number) - fromMs * RUNS_OUT.length] as keyof EngagementCounts]--;
    }
    const next = scoreOf(left, model);
    if (next !== score) steps.push({ fromMs, score: next });
    score = next;
  }
  return steps;
}

/** Each number is an instant times four plus what runs out then: sorting numbers costs a tenth of sorting objects. */
function expiriesAfter(state: EngagementState, atMs: number, model: EngagementModel, counts: EngagementCounts): Float64Array {
  const expiries: number[] = [];
  const add = (startedMs: number, windowMs: number, kind: number): void => {
    if (startedMs + windowMs > atMs) expiries.push((startedMs + windowMs) * RUNS_OUT.length + kind);
  };
  // Where nobody opened or clicked, or nothing was delivered, both rates are 0 and stay it.
  if (counts.delivered > 0 && counts.opened + counts.clicked > 0) {
    for (const mail of state.mails.values()) {
      add(mail.delivered, model.mailWindowMs, 0);
      add(mail.opened, model.mailWindowMs, 1);
      add(mail.clicked, model.mailWindowMs, 2);
    }
  }
  for (let index = 0; index < state.views.length; index += 2) add(state.views[index] as number, model.visitWindowMs, 3);
  return Float64Array.from(expiries).sort();
}

function instantOf(expiry: number): number {
  return Math.floor(expiry / RUNS_OUT.length);
}

/** Room for a new mail: the one that nothing has happened to for longest goes. */
function forgetOldest(state: EngagementState): void {
  let oldest: string | undefined;
  let oldestMs = Infinity;
  for (const [emailId, mail] of state.mails) {
    const newestMs = Math.max(mail.delivered, mail.opened, mail.clicked);
    if (newestMs < oldestMs) {
      oldest = emailId;
      oldestMs = newestMs;
    }
  }
  if (oldest === undefined) return;
  state.mails.delete(oldest);
  state.forgottenMs = Math.max(state.forgottenMs, oldestMs);
}
