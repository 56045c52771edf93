import { traitRows } from './compile-node.js';
import { workspaceZone } from './compile-zones.js';
import type { SegmentDefinition } from './context.js';
import type { Compilation, Frame, LeafQuestion } from './frame.js';

/** From where a point is seen. */
export interface View {
  readonly name: string;
  /** SQL about `p`: the instant. */
  readonly t: string;
  /** SQL about `p`: of the events that became known at `p.t`, those up to this one are; NULL: all. */
  readonly sequence: string;
  /** SQL about `p`: only then will it be asked. */
  readonly asked?: string;
}

/** After the event of the point, or after all events of its instant. */
export const presentView: View = { name: 'now', t: 'p.t', sequence: 'p.sequence' };

/** Many points, each a profile at an instant and a place in the log. Leaves become subqueries about the point `p`. */
export class PointsFrame implements Frame {
  readonly t: string;
  private readonly days = new Set<number>();
  private readonly memories = new Set<string>();
  private needsZone = false;

  constructor(
    private readonly compilation: Compilation,
    /** Makes the common table expression of a segment with memory, and names it. */
    private readonly remember: (segment: SegmentDefinition) => string,
    private readonly view: View = presentView,
  ) {
    this.t = view.t;
  }

  known(e: string): string {
    const { sequence } = this.view;
    return `(${e}.appended_ms < p.t OR ${e}.appended_ms = p.t AND (p.sequence IS NULL OR ${e}.sequence <= ${sequence}))`;
  }

  ofProfile(e: string): string {
    return ` AND ${e}.profile_id = p.profile_id`;
  }

  isNow(row: string): string {
    return `${this.ofProfile(row)} AND ${row}.from_ms <= p.t AND (${row}.to_ms IS NULL OR ${row}.to_ms > p.t)`;
  }

  leaf({ rows, holds, holdsForNone }: LeafQuestion): string {
    const condition = holdsForNone ? `(${holds}) IS NOT TRUE` : holds;
    return `${holdsForNone ? 'NOT ' : ''}EXISTS (SELECT FROM (${rows}) k WHERE ${condition})`;
  }

  calendar(column: 'today' | number): string {
    this.needsZone = true;
    if (column !== 'today') this.days.add(column);
    return `p.${this.view.name}_${column === 'today' ? column : `start_${column}`}`;
  }

  joinCalendar(): string {
    return '';
  }

  remembered(segment: SegmentDefinition): string {
    const memory = this.remember(segment);
    this.memories.add(memory);
    return `p.${this.view.name}_in_${memory}`;
  }

  /** The relation of points (`profile_id, t, sequence`, …), with what this frame needs to know of each beside. */
  addColumns(points: string): string {
    const { name, asked = 'true' } = this.view;
    const { memories } = this;
    const members = [...memories].map((memory) => `, coalesce(${memory}.inside @> rules.place(p.t, p.sequence), false) AS ${name}_in_${memory}`).join('');
    const joins = [...memories].map((memory) => ` LEFT JOIN ${memory} ON ${memory}.profile_id = p.profile_id`).join('');
    if (!this.needsZone) return memories.size === 0 ? points : `(SELECT p.*${members} FROM ${points} p${joins} OFFSET 0)`;
    const starts = [...this.days].map((n) => `, CASE WHEN ${asked} THEN rules.day_start(d.today - ${n}, z.zone) END AS ${name}_start_${n}`).join('');
    return `(SELECT p.*, d.today AS ${name}_today${starts}${members} FROM ${points} p${joins}
      CROSS JOIN LATERAL (SELECT CASE WHEN ${asked} THEN ${this.zone()} END AS zone OFFSET 0) z
      CROSS JOIN LATERAL (SELECT rules.local_day(${this.t}, z.zone) AS today OFFSET 0) d OFFSET 0)`;
  }

  private zone(): string {
    const name = `(SELECT n.zone FROM (${traitRows(this.compilation, this, 'timezone')}) v JOIN rules.time_zones n ON n.name = rules.str(v.value))`;
    return `coalesce(${name}, ${workspaceZone(this.compilation)})`;
  }
}
