/**
 * How the engagement score is reckoned: one formula, with the numbers that a workspace may change.
 * Weights are whole numbers that sum to ten, so that the score stays within 0 to 100.
 */
export interface EngagementModel {
  readonly version: number;
  readonly openWeight: number;
  readonly clickWeight: number;
  readonly visitWeight: number;
  /** A mail, its opens and its clicks count this long. */
  readonly mailWindowMs: number;
  /** A session counts this long from its first page view on. */
  readonly visitWindowMs: number;
  /** A page view with none before it for this long begins a session. */
  readonly sessionGapMs: number;
  /** More sessions than this count no further. */
  readonly sessionsMax: number;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

export const standardEngagement: EngagementModel = {
  version: 1,
  openWeight: 4,
  clickWeight: 3,
  visitWeight: 3,
  mailWindowMs: 30 * DAY_MS,
  visitWindowMs: 7 * DAY_MS,
  sessionGapMs: 30 * MINUTE_MS,
  sessionsMax: 10,
};

/** What the score is made of at one instant: distinct mails delivered, opened, clicked; sessions. */
export interface EngagementCounts {
  readonly delivered: number;
  readonly opened: number;
  readonly clicked: number;
  readonly sessions: number;
}

/** 100 points in the unit of scores, 10⁻⁶. */
export const SCORE_MAX_MILLIONTHS = 100_000_000;

/**
 * The score in millionths, 0 to 100,000,000. All intermediate values are whole numbers below 2⁵³, and a quotient of
 * such numbers never rounds up to the next whole one: every implementation in integers agrees to the bit.
 */
export function scoreOf(counts: EngagementCounts, model: EngagementModel): number {
  const open = rate(counts.opened, counts.delivered);
  const click = rate(counts.clicked, counts.delivered);
  const visits = rate(counts.sessions, model.sessionsMax);
  return Math.floor((model.openWeight * open + model.clickWeight * click + model.visitWeight * visits) / 10);
}

function rate(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.floor((Math.min(part, whole) * SCORE_MAX_MILLIONTHS) / whole);
}
