import type { ScoreNode } from '@tributary/contracts/rule';
import { compareNumber, isNumberPassing, propertyOf } from './compile-performed.js';
import { ofWorkspace, scoreModelOf, type Compilation, type Frame } from './frame.js';

export const MAIL_EVENTS = { delivered: 'Email Delivered', opened: 'Email Opened', clicked: 'Email Link Clicked' } as const;

const MILLIONTHS = 1_000_000;

/** The engagement score of the design, in integers of millionths (rule 25). */
export function compileScore(compilation: Compilation, frame: Frame, node: ScoreNode): string {
  const { parameters } = compilation;
  const millionths = `k.score / ${parameters.decimal(MILLIONTHS)}`;
  return frame.leaf({
    rows: scoreRows(compilation, frame, node.score),
    // Dividing by a power of ten is exact.
    holds: compareNumber(compilation, millionths, node),
    holdsForNone: isNumberPassing(0, node),
  });
}

/** `(profile_id, score)` for the profiles that have events which count. */
function scoreRows(compilation: Compilation, frame: Frame, key: string): string {
  const { parameters, context } = compilation;
  const model = scoreModelOf(compilation, key);
  const spanMs = Math.max(model.mailWindowMs, model.visitWindowMs + model.sessionGapMs);
  const number = (value: number) => parameters.integer(value);
  // By its text, as ids of orders are (rule 4).
  const emailId = `rules.scalar(${propertyOf(compilation, 'e', 'track', 'email_id')}) #>> '{}'`;
  const distinct = (name: string, more = '') =>
    `count(DISTINCT e.email_id) FILTER (WHERE e.name = '${name}' AND e.ts_ms > ${frame.t} - ${number(model.mailWindowMs)}${more})`;
  return `SELECT s.profile_id, (s.open_rate * ${number(model.openWeight)} + s.click_rate * ${number(model.clickWeight)} + s.visits * ${number(model.visitWeight)}) / 10 AS score
    FROM (SELECT c.profile_id,
        CASE WHEN c.delivered = 0 THEN 0 ELSE least(c.opened, c.delivered) * 100000000 / c.delivered END AS open_rate,
        CASE WHEN c.delivered = 0 THEN 0 ELSE least(c.clicked, c.delivered) * 100000000 / c.delivered END AS click_rate,
        least(c.sessions, ${number(model.sessionsMax)}) * 100000000 / ${number(model.sessionsMax)} AS visits
      FROM (SELECT e.profile_id,
          ${distinct(MAIL_EVENTS.delivered)} AS delivered,
          ${distinct(MAIL_EVENTS.opened, ' AND NOT e.by_machine')} AS opened,
          ${distinct(MAIL_EVENTS.clicked, ' AND NOT e.by_machine')} AS clicked,
          count(*) FILTER (WHERE e.type = 'page' AND e.ts_ms > ${frame.t} - ${number(model.visitWindowMs)}
            AND (e.previous_ms IS NULL OR e.previous_ms <= e.ts_ms - ${number(model.sessionGapMs)})) AS sessions
        FROM (SELECT e.profile_id, e.name, e.type, e.ts_ms, ${emailId} AS email_id,
            coalesce(e.body -> 'properties' -> 'machine' = 'true', false) AS by_machine,
            lag(e.ts_ms) OVER (PARTITION BY e.profile_id, e.type, e.name ORDER BY e.ts_ms, e.message_id COLLATE "C") AS previous_ms
          FROM ${context.relations.events} e
          WHERE ${ofWorkspace(compilation, 'e')} AND ${isScored('e')} AND ${frame.known('e')}${frame.ofProfile('e')} AND e.ts_ms > ${frame.t} - ${number(spanMs)}) e
        GROUP BY e.profile_id) c) s`;
}

/** Condition: the event counts towards the score. */
export function isScored(e: string): string {
  const names = Object.values(MAIL_EVENTS).map((name) => `'${name}'`);
  return `(${e}.type = 'track' AND ${e}.name IN (${names.join(', ')}) OR ${e}.type = 'page' AND ${e}.name = 'page')`;
}
