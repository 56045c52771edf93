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
  /** The instant, epoch ms. */
  readonly t: string;
  /** Condition: the event `e` is known. */
  known(e: string): string;
  /** Condition, with AND in front: the row `e` is of the profile; empty where all profiles are asked at once. */
  ofProfile(e: string): string;
  /** Condition, with AND in front: the piece `row` of a list, cluster or computed trait holds. */
  isNow(row: string): string;
  /** The answer of a leaf: `rows` yields at most one row a profile, alias `k`. */
  leaf(question: LeafQuestion): string;
  /** In the person's time zone: `today` is the local day, `n` the start of the day n days before. */
  calendar(column: 'today' | number): string;
  /** Joins the row with those values to the row `e`, where it is not there already. */
  joinCalendar(e: string): string;
  /** Membership in a segment with memory. */
  remembered(segment: SegmentDefinition): string;
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
