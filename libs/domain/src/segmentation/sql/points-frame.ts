import { traitRows } from './compile-node.js';
import { workspaceZone } from './compile-zones.js';
import type { SegmentDefinition } from './context.js';
import type { Arrivals, Compilation, Frame, LeafQuestion, Moment } from './frame.js';

/** Many points, each a profile at an instant and a place in the log. Leaves become subqueries about the point `p`. */
export class PointsFrame implements Frame {
  readonly t = 'p.t';
  readonly place = 'p.place';
  private readonly days = new Set<number>();
  private readonly memories = new Set<string>();
  private needsZone = false;

  constructor(
    private readonly compilation: Compilation,
    /** Makes the common table expression of a segment with memory, and names it. */
    private readonly remember: (segment: SegmentDefinition) => string,
  ) {}

  momentOf(arrivals: (early: Moment) => Arrivals): Moment {
    const { touching } = arrivals(this.choose('false'));
    const { relations } = this.compilation.context;
    const isTouched = `EXISTS (SELECT FROM ${relations.events} h WHERE h.profile_id = p.profile_id AND h.appended_ms = p.t AND h.sequence <= p.sequence AND (${touching.join(' OR ')}))`;
    const moment = this.choose(isTouched);
    // A subquery of its own is evaluated once for the point, not for each event.
    return { clock: `(SELECT ${moment.clock})`, calendar: (column) => `(SELECT ${moment.calendar(column)})` };
  }

  momentOfRow(k: string): Moment {
    return this.choose(`${k}.appended_ms = p.t`);
  }

  private choose(isTouched: string): Moment {
    const choice = (early: string, now: string) => `CASE WHEN p.sequence IS NULL OR ${isTouched} THEN ${now} ELSE ${early} END`;
    return {
      clock: choice('p.x', 'p.t'),
      calendar: (column) => {
        this.needsZone = true;
        if (column !== 'today') this.days.add(column);
        const name = column === 'today' ? 'today' : `start_${column}`;
        return choice(`p.${name}_x`, `p.${name}_t`);
      },
    };
  }

  known(e: string): string {
    return `(${e}.appended_ms < p.t OR ${e}.appended_ms = p.t AND (p.sequence IS NULL OR ${e}.sequence <= p.sequence))`;
  }

  ofProfile(e: string): string {
    return ` AND ${e}.profile_id = p.profile_id`;
  }

  leaf({ rows, holds, holdsForNone }: LeafQuestion): string {
    const condition = holdsForNone ? `(${holds}) IS NOT TRUE` : holds;
    return `${holdsForNone ? 'NOT ' : ''}EXISTS (SELECT FROM (${rows}) k WHERE ${condition})`;
  }

  joinCalendar(): string {
    return '';
  }

  remembered(segment: SegmentDefinition): string {
    const memory = this.remember(segment);
    this.memories.add(memory);
    return `p.in_${memory}`;
  }

  /**
   * `columns` about every point `p` of the relation `points (profile_id, t, sequence)`, `sequence` being the event
   * just applied, or NULL when the instant has all its events behind it and time has come.
   */
  select(columns: string, points: string): string {
    const starts = ['x', 't'].flatMap((clock) => [...this.days].map((n) => `, rules.day_start(d.today_${clock} - ${n}, z.zone) AS start_${n}_${clock}`)).join('');
    const members = [...this.memories].map((memory) => `, coalesce(${memory}.inside @> rules.place(p.t, p.sequence), false) AS in_${memory}`).join('');
    const joins = [...this.memories].map((memory) => ` LEFT JOIN ${memory} ON ${memory}.profile_id = p.profile_id`).join('');
    const before = `SELECT p.*, CASE WHEN p.sequence IS NULL THEN p.t ELSE p.t - 1 END AS x, rules.place(p.t, p.sequence) AS place FROM ${points} p OFFSET 0`;
    const zoned = this.needsZone
      ? `SELECT p.*, d.today_x, d.today_t${starts}${members} FROM (${before}) p${joins}
          CROSS JOIN LATERAL (SELECT ${this.zone()} AS zone OFFSET 0) z CROSS JOIN LATERAL (SELECT rules.local_day(p.x, z.zone) AS today_x, rules.local_day(p.t, z.zone) AS today_t OFFSET 0) d OFFSET 0`
      : `SELECT p.*${members} FROM (${before}) p${joins} OFFSET 0`;
    return `SELECT ${columns} FROM (${zoned}) p`;
  }

  private zone(): string {
    const name = `(SELECT n.zone FROM (${traitRows(this.compilation, this, 'timezone')}) v JOIN rules.time_zones n ON n.name = rules.str(v.value))`;
    return `coalesce(${name}, ${workspaceZone(this.compilation)})`;
  }
}
