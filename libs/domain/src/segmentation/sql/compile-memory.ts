import { listCandidates, relevantEvents } from './list-candidates.js';
import type { SegmentDefinition } from './context.js';
import { ofWorkspace, type Compilation } from './frame.js';
import { compileNode } from './compile-node.js';
import { PointsFrame } from './points-frame.js';

interface Replay {
  readonly segment: SegmentDefinition;
  /** SQL of the instant up to which the past is replayed. */
  readonly upTo: string;
  readonly remember: (segment: SegmentDefinition) => string;
}

/**
 * `(profile_id, t, sequence, place, inside)` for every point at which the answer for a profile can change: the events
 * in the order in which they became known, and the instants at which a condition can flip by time (rule 29).
 *
 * A segment with memory is entered where rule and stay hold and kept while stay holds. So the person is inside at a
 * point exactly if both held at some point up to it and stay has held at every point since: no recursion is needed.
 *
 * Costs one evaluation of rule and stay for each event of the profile that the rule can see and each window end of
 * such an event, so the square of the number of events: for the members of a few segments, not for the hot path.
 */
export function compileReplay(compilation: Compilation, { segment, upTo, remember }: Replay): string {
  const frame = new PointsFrame(compilation, remember);
  const rule = compileNode(compilation, frame, segment.rule);
  const stay = segment.stay ? compileNode(compilation, frame, segment.stay) : rule;
  const states = frame.select(
    `p.profile_id, p.t, p.sequence, p.place, ${segment.stay ? `(${rule} AND ${stay})` : rule} AS enters, ${stay} AS stays`,
    `(${points(compilation, segment, upTo)})`,
  );
  return `SELECT profile_id, t, sequence, place, coalesce(entered > coalesce(ended, -1), false) AS inside FROM (
    SELECT s.*, max(s.place) FILTER (WHERE s.enters) OVER w AS entered, max(s.place) FILTER (WHERE NOT s.stays) OVER w AS ended
    FROM (${states} OFFSET 0) s WINDOW w AS (PARTITION BY s.profile_id ORDER BY s.place)) r`;
}

/** `(profile_id, inside)`: the places of the replay at which the person is inside, as ranges. */
export function compileMemory(compilation: Compilation, replay: Replay): string {
  return `SELECT profile_id, range_agg(numrange(place, until)) AS inside FROM (
    SELECT profile_id, place, inside, lead(place) OVER (PARTITION BY profile_id ORDER BY place) AS until
    FROM (${compileReplay(compilation, replay)}) q) m WHERE inside GROUP BY profile_id`;
}

function points(compilation: Compilation, segment: SegmentDefinition, upTo: string): string {
  const { context } = compilation;
  const candidates = listCandidates(compilation, segment, upTo).map((query) => ` UNION SELECT c.profile_id, c.at_ms, NULL::bigint FROM (${query}) c`);
  return `SELECT u.profile_id, u.t, u.sequence FROM (
      SELECT f.profile_id, f.known_from_ms AS t, NULL::bigint AS sequence FROM ${context.relations.profiles} f WHERE ${ofWorkspace(compilation, 'f')}
      UNION SELECT e.profile_id, e.appended_ms, e.sequence FROM ${context.relations.events} e WHERE ${ofWorkspace(compilation, 'e')} AND ${relevantEvents(compilation, segment, 'e')}
      UNION SELECT e.profile_id, e.appended_ms, e.sequence FROM ${context.relations.profiles} f JOIN ${context.relations.events} e
        ON ${ofWorkspace(compilation, 'e')} AND e.profile_id = f.profile_id AND e.appended_ms = f.known_from_ms WHERE ${ofWorkspace(compilation, 'f')}${candidates.join('')}) u
    JOIN ${context.relations.profiles} f ON ${ofWorkspace(compilation, 'f')} AND f.profile_id = u.profile_id
    WHERE u.t >= f.known_from_ms AND u.t <= ${upTo}`;
}
