import { listCandidates, relevantEvents } from './list-candidates.js';
import type { SegmentDefinition } from './context.js';
import { ofWorkspace, type Compilation } from './frame.js';
import { compileNode } from './compile-node.js';
import { PointsFrame, presentView, type View } from './points-frame.js';

interface Replay {
  readonly segment: SegmentDefinition;
  /** SQL of the instant up to which the past is replayed. */
  readonly upTo: string;
  readonly remember: (segment: SegmentDefinition) => string;
}

/** With the event not yet known. */
const viewWithout: View = { name: 'without', t: 'p.t', sequence: 'p.sequence - 1', asked: 'p.is_edge' };
/** With the event known, and time not yet come to its instant. */
const viewBefore: View = { name: 'before', t: 'p.t - 1', sequence: 'p.sequence', asked: 'p.is_edge' };

/**
 * `(profile_id, t, sequence, place, inside)` for every point at which the answer for a profile can change: after each
 * event in the order in which they became known, and at each instant at which a condition can flip by time (rule 29).
 *
 * A segment with memory is entered where rule and stay hold and kept while stay holds. So the person is inside at a
 * point exactly if the last point that put anybody in came after the last that put anybody out: no recursion is needed.
 *
 * Where an event meets such an instant at the same millisecond, the event comes first (rule 6): what time alone would
 * bring at this instant is left to time, unless the event would have brought it just before, too.
 *
 * Costs one evaluation of rule and stay for each event of the profile that the rule can see and each window end of
 * such an event, so the square of the number of events: for the members of a few segments, not for the hot path.
 */
export function compileReplay(compilation: Compilation, { segment, upTo, remember }: Replay): string {
  const views = [presentView, viewWithout, viewBefore].map((view) => {
    const frame = new PointsFrame(compilation, remember, view);
    const rule = compileNode(compilation, frame, segment.rule);
    const stay = segment.stay ? compileNode(compilation, frame, segment.stay) : rule;
    return { frame, enters: segment.stay ? `(${rule} AND ${stay})` : rule, stays: stay };
  });
  const [now, without, before] = views as [(typeof views)[0], (typeof views)[0], (typeof views)[0]];
  const relation = views.reduce((points, { frame }) => frame.addColumns(points), `(${pointsOf(compilation, segment, upTo)})`);
  return `SELECT profile_id, t, sequence, place, coalesce(entered > coalesce(ended, -1), false) AS inside FROM (
    SELECT s.*, max(s.place) FILTER (WHERE s.enters) OVER w AS entered, max(s.place) FILTER (WHERE s.ends) OVER w AS ended
    FROM (SELECT p.profile_id, p.t, p.sequence, p.place,
        CASE WHEN NOT ${now.enters} THEN false WHEN p.is_edge THEN NOT (${without.enters} AND NOT ${before.enters}) ELSE true END AS enters,
        CASE WHEN ${now.stays} THEN false WHEN p.is_edge THEN NOT (NOT ${without.stays} AND ${before.stays}) ELSE true END AS ends
      FROM ${relation} p OFFSET 0) s WINDOW w AS (PARTITION BY s.profile_id ORDER BY s.place)) r`;
}

/** `(profile_id, inside)`: the places of the replay at which the person is inside, as ranges. */
export function compileMemory(compilation: Compilation, replay: Replay): string {
  return `SELECT profile_id, range_agg(numrange(place, until)) AS inside FROM (
    SELECT profile_id, place, inside, lead(place) OVER (PARTITION BY profile_id ORDER BY place) AS until
    FROM (${compileReplay(compilation, replay)}) q) m WHERE inside GROUP BY profile_id`;
}

/** `(profile_id, t, sequence, place, is_edge)`: an edge is an event at an instant at which time may flip something, too. */
function pointsOf(compilation: Compilation, segment: SegmentDefinition, upTo: string): string {
  const { context } = compilation;
  const profiles = `${context.relations.profiles} f WHERE ${ofWorkspace(compilation, 'f')}`;
  const candidates = listCandidates(compilation, segment, upTo).map((query) => ` UNION SELECT c.profile_id, c.at_ms, NULL::bigint, true FROM (${query}) c`);
  return `SELECT g.*, g.sequence IS NOT NULL AND g.has_flips AND row_number() OVER (PARTITION BY g.profile_id ORDER BY g.place) > 1 AS is_edge
    FROM (SELECT u.profile_id, u.t, u.sequence, rules.place(u.t, u.sequence) AS place, bool_or(bool_or(u.is_flip)) OVER (PARTITION BY u.profile_id, u.t) AS has_flips
      FROM (SELECT f.profile_id, f.known_from_ms AS t, NULL::bigint AS sequence, false AS is_flip FROM ${profiles}
        UNION SELECT e.profile_id, e.appended_ms, e.sequence, false FROM ${context.relations.events} e WHERE ${ofWorkspace(compilation, 'e')} AND ${relevantEvents(compilation, segment, 'e')}
        UNION SELECT e.profile_id, e.appended_ms, e.sequence, false FROM ${context.relations.profiles} f JOIN ${context.relations.events} e
          ON ${ofWorkspace(compilation, 'e')} AND e.profile_id = f.profile_id AND e.appended_ms = f.known_from_ms WHERE ${ofWorkspace(compilation, 'f')}${candidates.join('')}) u
      JOIN ${context.relations.profiles} f ON ${ofWorkspace(compilation, 'f')} AND f.profile_id = u.profile_id
      WHERE u.t >= f.known_from_ms AND u.t <= ${upTo} GROUP BY u.profile_id, u.t, u.sequence) g OFFSET 0`;
}
