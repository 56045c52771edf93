import { addMail, addPageView, type EngagementState, newEngagement, nextChangeMs, scoreAt, scoreCurve, type ScoreStep } from '@tributary/domain/scoring/engagement';
import { readFacts } from '@tributary/domain/scoring/read-facts';
import { standardEngagement } from '@tributary/domain/scoring/score-model';
import type { HistoryEntry } from '@tributary/domain/segmentation/rule-entry';
import { type HistoryRow, toEntry } from './history.postgres.js';

/** The events that the engagement score is made of. */
export const SCORED_NAMES: readonly string[] = ['page', 'Email Delivered', 'Email Opened', 'Email Link Clicked'];

/**
 * A profile's history with the scores that scoring told at the time: after each event, and at each instant at which
 * time alone changed them. Rules with memory (`stay`) are replayed over it.
 */
export function replayScores(rows: readonly HistoryRow[], untilMs: number): HistoryEntry[] {
  const model = standardEngagement;
  const state = newEngagement();
  const entries: HistoryEntry[] = [];
  let nowMs = -Infinity;
  const passTime = (beforeMs: number): void => {
    for (let atMs = nowMs === -Infinity ? null : nextChangeMs(state, nowMs, model); atMs !== null && atMs < beforeMs; atMs = nextChangeMs(state, atMs, model)) {
      entries.push({ kind: 'score', appendedAtMs: atMs, scores: { engagement: scoreAt(state, atMs, model) } });
      nowMs = atMs;
    }
  };
  for (const row of rows) {
    passTime(row.appendedAtMs);
    nowMs = Math.max(nowMs, row.appendedAtMs);
    addFacts(state, row);
    entries.push({ ...toEntry(row), scores: { engagement: scoreAt(state, nowMs, model) } });
  }
  passTime(untilMs);
  return entries;
}

/** Changes of a score by time alone that are looked at; a person with more has so many mails that the first ones decide. */
const STEPS_MAX = 4_096;

/** The future of the engagement score by time alone, after `atMs`, given all that was known then. */
export function foreseeScore(rows: readonly HistoryRow[], atMs: number): readonly ScoreStep[] {
  const state = newEngagement();
  for (const row of rows) if (row.appendedAtMs <= atMs) addFacts(state, row);
  return scoreCurve(state, atMs, standardEngagement, STEPS_MAX).slice(1);
}

function addFacts(state: EngagementState, row: HistoryRow): void {
  const facts = readFacts(row, () => (row.body === null ? {} : JSON.parse(row.body)) as unknown);
  if (facts.kind === 'mail') addMail(state, facts.emailId, facts.fact, row.timestampMs);
  if (facts.kind === 'page-view') addPageView(state, row.timestampMs, standardEngagement);
}
