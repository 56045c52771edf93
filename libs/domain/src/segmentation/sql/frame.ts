import type { SegmentDefinition, SqlContext } from './context.js';
import { standardEngagement, type EngagementModel } from './context.js';
import type { Parameters } from './parameters.js';

/**
 * Where a rule is evaluated. `p` is the profile's row in both forms.
 *
 * - At one instant, every leaf is a set of profiles, computed once and joined (`LEFT JOIN … l1`).
 * - At points, each a profile with an instant and a place in the log, every leaf is a subquery about `p`.
 */
export interface Frame {
  /** The instant, epoch ms: what is known up to here, and where things begin. */
  readonly t: string;
  /** The place in the replay of the profile, for segments with memory. */
  readonly place: string;
  /** When time has come to for a condition on events; `arrivals` are those that it depends on (see `Moment`). */
  momentOf(arrivals: (early: Moment) => Arrivals): Moment;
  /** The same for a condition on one fact, the row `k`, which has a column `appended_ms`. */
  momentOfRow(k: string): Moment;
  /** Condition: the event `e` is known. */
  known(e: string): string;
  /** Condition, with AND in front: the row `e` is of the profile; empty where all profiles are asked at once. */
  ofProfile(e: string): string;
  /** The answer of a leaf: `rows` yields at most one row a profile, alias `k`. */
  leaf(question: LeafQuestion): string;
  /** Joins the row with those values to the row `e`, where it is not there already. */
  joinCalendar(e: string): string;
  /** Membership in a segment with memory. */
  remembered(segment: SegmentDefinition): string;
}

/**
 * The instant for what begins and ends by time alone. It is `t`, except at a point that is an event: what time does at
 * that millisecond comes later (rule 6), so for a condition that none of the events of this millisecond has touched it
 * is one ms earlier. A condition that one has touched is evaluated at `t`, with what has run out by then.
 */
export interface Moment {
  readonly clock: string;
  /** In the person's time zone: `today` is the local day, `n` the start of the day n days before. */
  calendar(column: 'today' | number): string;
}

export interface Arrivals {
  /** Conditions on events `h` that touch the condition; one must hold. */
  readonly touching: readonly string[];
}

export interface LeafQuestion {
  readonly rows: string;
  /** About `k`; NULL counts as false. */
  readonly holds: string;
  /** The answer where `rows` has none for the profile. */
  readonly holdsForNone: boolean;
  /** `holds` asks for calendar values. */
  readonly needsCalendar?: boolean;
}

/** One compilation: what all parts of it write to and read from. */
export interface Compilation {
  readonly context: SqlContext;
  readonly parameters: Parameters;
  readonly definitions: ReadonlyMap<string, SegmentDefinition>;
}

export function definitionOf({ definitions }: Compilation, key: string): SegmentDefinition {
  const definition = definitions.get(key);
  if (!definition) throw new Error(`The rule refers to segment "${key}", whose definition was not given.`);
  return definition;
}

export function scoreModelOf({ context }: Compilation, key: string): EngagementModel {
  const model = context.scores?.[key] ?? (key === 'engagement' ? standardEngagement : undefined);
  if (!model) throw new Error(`The rule refers to score "${key}", whose model was not given.`);
  return model;
}

/** Rows of the workspace in a source relation. */
export function ofWorkspace({ parameters, context }: Compilation, alias: string): string {
  return `${alias}.workspace = ${parameters.text(context.workspace)}`;
}
