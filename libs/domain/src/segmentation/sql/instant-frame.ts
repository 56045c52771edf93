import { compileZones } from './compile-zones.js';
import type { SegmentDefinition } from './context.js';
import type { Compilation, Frame, LeafQuestion } from './frame.js';

/** All profiles at one instant. Leaves become joins; equal leaves of one rule are joined once. */
export class InstantFrame implements Frame {
  private readonly leaves = new Map<string, string>();
  private readonly days = new Set<number>();
  private readonly memories = new Map<string, string>();
  private needsZones = false;

  constructor(
    private readonly compilation: Compilation,
    readonly t: string,
    /** Makes the common table expression of a segment with memory, and names it. */
    private readonly remember: (segment: SegmentDefinition) => string,
  ) {
  }

  known(e: string): string {
    return `${e}.appended_ms <= ${this.t}`;
  }

  ofProfile(): string {
    return '';
  }

  isNow(row: string): string {
    return ` AND ${row}.from_ms <= ${this.t} AND (${row}.to_ms IS NULL OR ${row}.to_ms > ${this.t})`;
  }

  leaf({ rows, holds, holdsForNone, needsCalendar }: LeafQuestion): string {
    const condition = holdsForNone ? `(${holds}) IS NOT TRUE` : holds;
    const set = `(SELECT k.profile_id FROM (${rows}) k${needsCalendar ? this.joinCalendar('k') : ''} WHERE ${condition})`;
    const alias = this.leaves.get(set) ?? `l${this.leaves.size + 1}`;
    this.leaves.set(set, alias);
    return `${alias}.profile_id IS ${holdsForNone ? '' : 'NOT '}NULL`;
  }

  calendar(column: 'today' | number): string {
    this.needsZones = true;
    if (column === 'today') return 'z.today';
    this.days.add(column);
    return `z.start_${column}`;
  }

  joinCalendar(row: string): string {
    this.needsZones = true;
    return ` JOIN zoned z ON z.profile_id = ${row}.profile_id`;
  }

  remembered(segment: SegmentDefinition): string {
    const memory = this.remember(segment);
    this.memories.set(memory, memory);
    return `coalesce(${memory}.inside @> rules.place(${this.t}, NULL), false)`;
  }

  /** The members among `people`, as a query: `columns` about `p`. */
  select(columns: string, condition: string): string {
    const leaves = [...this.leaves].map(([set, alias]) => `\n  LEFT JOIN ${set} ${alias} ON ${alias}.profile_id = p.profile_id`);
    const memories = [...this.memories.keys()].map((memory) => `\n  LEFT JOIN ${memory} ON ${memory}.profile_id = p.profile_id`);
    return `${this.needsZones ? this.zones() : ''}SELECT ${columns} FROM people p${leaves.join('')}${memories.join('')}\nWHERE ${condition}`;
  }

  /** The zones of all people; days are computed once for each zone that occurs. */
  private zones(): string {
    const starts = [...this.days].map((n) => `, rules.day_start(d.today - ${n}, d.zone) AS start_${n}`).join('');
    return `WITH zones AS MATERIALIZED (${compileZones(this.compilation, this)}),
  zone_days AS MATERIALIZED (SELECT d.zone, d.today${starts} FROM (SELECT u.zone, rules.local_day(${this.t}, u.zone) AS today FROM (SELECT DISTINCT zone FROM zones) u OFFSET 0) d),
  zoned AS MATERIALIZED (SELECT q.profile_id, d.* FROM zones q JOIN zone_days d ON d.zone = q.zone)
`;
  }
}
