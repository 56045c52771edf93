import { compileMemory, compileReplay } from './compile-memory.js';
import { compileNode } from './compile-node.js';
import type { SegmentDefinition, SqlContext } from './context.js';
import { ofWorkspace, type Compilation } from './frame.js';
import { InstantFrame } from './instant-frame.js';
import { Parameters } from './parameters.js';
import { PointsFrame } from './points-frame.js';

export interface SqlQuery {
  readonly text: string;
  readonly values: readonly unknown[];
}

/**
 * The members of segments at an instant (epoch ms), over everything known by then: rows
 * `(profile_id uuid, segment text)`. The schema of `sqlFunctions` must exist.
 */
export function compileSql(segments: SegmentDefinition | readonly SegmentDefinition[], context: SqlContext, atMs: number): SqlQuery {
  const compiler = new Compiler(listOf(segments), context);
  const t = compiler.parameters.integer(atMs);
  const members = listOf(segments).map((segment) => {
    const frame = new InstantFrame(compiler, t, (other) => compiler.memoryOf(other, t));
    const condition = compiler.memberCondition(frame, segment);
    return `SELECT m.* FROM (${frame.select(`p.profile_id, ${compiler.parameters.text(segment.key)} AS segment`, condition)}) m`;
  });
  const people = `people AS (SELECT f.profile_id FROM ${context.relations.profiles} f WHERE ${ofWorkspace(compiler, 'f')} AND f.known_from_ms <= ${t})`;
  return compiler.query([people], members.join('\nUNION ALL\n'));
}

/**
 * Membership at many points at once: rows `(profile_id uuid, at_ms bigint, segment text)` of those that are members.
 * `points` is a relation `(profile_id uuid, at_ms bigint)` by its trusted name. Exact like `compileSql`; each point is
 * evaluated on its own, so this is for samples.
 */
export function compileSqlAtPoints(segments: SegmentDefinition | readonly SegmentDefinition[], context: SqlContext, points: string): SqlQuery {
  const compiler = new Compiler(listOf(segments), context);
  const asked = `asked AS MATERIALIZED (SELECT DISTINCT a.profile_id, a.at_ms AS t, NULL::bigint AS sequence FROM ${points} a
    JOIN ${context.relations.profiles} f ON ${ofWorkspace(compiler, 'f')} AND f.profile_id = a.profile_id AND f.known_from_ms <= a.at_ms)`;
  const upTo = '(SELECT max(t) FROM asked)';
  const members = listOf(segments).map((segment) => {
    const frame = new PointsFrame(compiler, (other) => compiler.memoryOf(other, upTo));
    const condition = compiler.memberCondition(frame, segment);
    return `SELECT p.profile_id, p.t AS at_ms, ${compiler.parameters.text(segment.key)} AS segment FROM ${frame.addColumns('asked')} p WHERE ${condition}`;
  });
  return compiler.query([asked], members.join('\nUNION ALL\n'));
}

/**
 * Every change of membership up to an instant, in order: rows `(profile_id uuid, at_ms bigint, by_time boolean,
 * inside boolean)`, `by_time` telling the cause `time` from the event that was appended at `at_ms`.
 */
export function compileChangesSql(segment: SegmentDefinition, context: SqlContext, upToMs: number): SqlQuery {
  const compiler = new Compiler([segment], context);
  const upTo = compiler.parameters.integer(upToMs);
  const replay = compileReplay(compiler, { segment, upTo, remember: (other) => compiler.memoryOf(other, upTo) });
  return compiler.query(
    [],
    `SELECT profile_id, t AS at_ms, sequence IS NULL AS by_time, inside FROM (
      SELECT r.*, lag(inside, 1, false) OVER (PARTITION BY profile_id ORDER BY place) AS was FROM (${replay}) r) c
    WHERE inside <> was ORDER BY profile_id, place`,
  );
}

class Compiler implements Compilation {
  readonly parameters = new Parameters();
  readonly definitions: ReadonlyMap<string, SegmentDefinition>;
  private readonly memories = new Map<string, { readonly name: string; readonly text: string }>();

  constructor(segments: readonly SegmentDefinition[], readonly context: SqlContext) {
    this.definitions = new Map([...(context.segments ?? []), ...segments].map((segment) => [segment.key, segment]));
  }

  memberCondition(frame: InstantFrame | PointsFrame, segment: SegmentDefinition): string {
    return segment.stay ? frame.remembered(segment) : compileNode(this, frame, segment.rule);
  }

  /** The common table expression of a segment with memory. Those that it refers to itself come before it. */
  readonly memoryOf = (segment: SegmentDefinition, upTo: string): string => {
    const known = this.memories.get(segment.key);
    if (known) return known.name;
    const text = compileMemory(this, { segment, upTo, remember: (other) => this.memoryOf(other, upTo) });
    const name = `memory_${this.memories.size + 1}`;
    this.memories.set(segment.key, { name, text });
    return name;
  };

  query(tables: readonly string[], body: string): SqlQuery {
    const memories = [...this.memories.values()].map(({ name, text }) => `${name} AS MATERIALIZED (${text})`);
    const all = [...tables, ...memories];
    return { text: `${all.length === 0 ? '' : `WITH ${all.join(',\n')}\n`}${body}`, values: this.parameters.values };
  }
}

function listOf(segments: SegmentDefinition | readonly SegmentDefinition[]): readonly SegmentDefinition[] {
  return Array.isArray(segments) ? (segments as readonly SegmentDefinition[]) : [segments as SegmentDefinition];
}
