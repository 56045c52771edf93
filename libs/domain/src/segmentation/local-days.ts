import { DAY_MS } from './parse-duration.js';

/** Days and zones kept at a time; beyond that the memory is emptied and filled anew. */
const DAYS_KEPT_MAX = 8_192;
const ZONES_KEPT_MAX = 1_024;
/** Beyond this the platform's calendar ends; days are UTC days there. */
const CALENDAR_END_MS = 8.6e15;

/**
 * The days of one time zone. A day is its number since 1970-01-01 on the local calendar. It begins at the first instant
 * that the local clock shows its date, whatever daylight saving does to midnight, and lasts until the next one begins.
 */
export interface LocalDays {
  readonly name: string;
  /** The day that `ms` is in. */
  dayAt(ms: number): number;
  /** The first instant of a day; of a day that the zone skipped, the first instant after it. */
  startOf(day: number): number;
}

export const utcDays: LocalDays = {
  name: 'UTC',
  dayAt: (ms) => Math.floor(ms / DAY_MS),
  startOf: (day) => day * DAY_MS,
};

const zones = new Map<string, LocalDays | null>();

/** Undefined where `name` is no IANA zone. Offsets such as `+02:00` are none. */
export function localDays(name: string): LocalDays | undefined {
  const known = zones.get(name);
  if (known !== undefined) return known ?? undefined;
  if (zones.size >= ZONES_KEPT_MAX) zones.clear();
  const made = openZone(name);
  zones.set(name, made ?? null);
  return made;
}

function openZone(name: string): LocalDays | undefined {
  if (!/^[A-Za-z]/.test(name)) return undefined;
  try {
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone: name, calendar: 'gregory', numberingSystem: 'latn', hourCycle: 'h23', era: 'short',
      year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
    });
    return isUtc(format) ? utcDays : new ZoneDays(name, format);
  } catch {
    return undefined;
  }
}

function isUtc(format: Intl.DateTimeFormat): boolean {
  return format.resolvedOptions().timeZone === 'UTC';
}

class ZoneDays implements LocalDays {
  private readonly starts = new Map<number, number>();

  constructor(readonly name: string, private readonly format: Intl.DateTimeFormat) {}

  dayAt(ms: number): number {
    let day = Math.floor(ms / DAY_MS);
    while (this.startOf(day) > ms) day -= 1;
    while (this.startOf(day + 1) <= ms) day += 1;
    return day;
  }

  startOf(day: number): number {
    const known = this.starts.get(day);
    if (known !== undefined) return known;
    if (this.starts.size >= DAYS_KEPT_MAX) this.starts.clear();
    const start = this.findStart(day);
    this.starts.set(day, start);
    return start;
  }

  private findStart(day: number): number {
    const midnight = day * DAY_MS;
    if (Math.abs(midnight) > CALENDAR_END_MS) return midnight;
    // Offsets lie between −24 h and +24 h, so the start is in this range, with at most one change of offset in it.
    let [low, high] = [midnight - DAY_MS, midnight + DAY_MS];
    const [before, after] = [this.offsetAt(low), this.offsetAt(high)];
    if (before === after) return midnight - before;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.offsetAt(middle) === before) low = middle;
      else high = middle;
    }
    if (midnight - before < high) return midnight - before;
    return Math.max(midnight - after, high);
  }

  /** Local minus UTC, in milliseconds. */
  private offsetAt(ms: number): number {
    const second = Math.floor(ms / 1_000) * 1_000;
    const field: Record<string, string> = {};
    for (const part of this.format.formatToParts(second)) field[part.type] = part.value;
    const year = field['era'] === 'BC' ? 1 - Number(field['year']) : Number(field['year']);
    const local = new Date(0);
    local.setUTCFullYear(year, Number(field['month']) - 1, Number(field['day']));
    local.setUTCHours(Number(field['hour']), Number(field['minute']), Number(field['second']));
    return local.getTime() - second;
  }
}
