const formats = new Map<string, Intl.DateTimeFormat | null>();

export function validZone(name: string): boolean {
  return formatOf(name) !== null && !/^[+-]/.test(name);
}

function formatOf(zone: string): Intl.DateTimeFormat | null {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  let made: Intl.DateTimeFormat | null = null;
  try {
    made = new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' });
  } catch {
    made = null;
  }
  formats.set(zone, made);
  return made;
}

function wallDay(ms: number, zone: string): number {
  const [year, month, day] = formatOf(zone)!.format(ms).split('-').map(Number) as [number, number, number];
  return Date.UTC(year, month - 1, day) / 8.64e7;
}

const starts = new Map<string, number>();

/** The first instant at which the wall clock shows the day or a later one, found by looking every half hour, then halving. */
export function firstInstantOf(day: number, zone: string): number {
  const key = `${zone} ${day}`;
  const known = starts.get(key);
  if (known !== undefined) return known;
  let t = day * 8.64e7 - 27 * 3.6e6;
  while (wallDay(t, zone) < day) t += 1.8e6;
  let low = t - 1.8e6;
  while (t - low > 1) {
    const middle = Math.floor((low + t) / 2);
    if (wallDay(middle, zone) < day) low = middle;
    else t = middle;
  }
  starts.set(key, t);
  return t;
}

/** The last day that has begun. */
export function localDate(t: number, zone: string): number {
  let day = Math.floor(t / 8.64e7) + 1;
  while (firstInstantOf(day, zone) > t) day -= 1;
  while (firstInstantOf(day + 1, zone) <= t) day += 1;
  return day;
}
