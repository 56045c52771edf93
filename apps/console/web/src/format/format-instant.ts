const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const MONTH_MS = 30 * DAY_MS;
const YEAR_MS = 365 * DAY_MS;

const UNITS: readonly (readonly [ms: number, name: string])[] = [[YEAR_MS, 'y'], [MONTH_MS, 'mo'], [DAY_MS, 'd'], [HOUR_MS, 'h'], [MINUTE_MS, 'min'], [SECOND_MS, 's']];

/** "now", "12 s", "in 3 min"; with `ago`: "12 s ago". */
export function formatRelative(atMs: number, nowMs: number, form: 'ago' | 'short' = 'short'): string {
  const distance = nowMs - atMs;
  const amount = Math.abs(distance);
  if (amount < SECOND_MS) return 'now';
  const [unitMs, name] = UNITS.find(([ms]) => amount >= ms) as readonly [number, string];
  const text = `${Math.floor(amount / unitMs)} ${name}`;
  if (distance < 0) return `in ${text}`;
  return form === 'ago' ? `${text} ago` : text;
}

/** A length of time, as exact as is of use: "8 ms", "4.2 s", "3 min 7 s", "2 h 5 min", "3 d 4 h". */
export function formatDuration(ms: number): string {
  const amount = Math.max(0, ms);
  if (amount < SECOND_MS) return `${Math.round(amount)} ms`;
  if (amount < 10 * SECOND_MS) return `${(Math.floor(amount / 100) / 10).toFixed(1)} s`;
  const index = UNITS.findIndex(([unit]) => amount >= unit && unit !== MONTH_MS);
  const [unitMs, name] = UNITS[index] as readonly [number, string];
  const rest = UNITS.slice(index + 1).find(([unit]) => unit !== MONTH_MS);
  const whole = Math.floor(amount / unitMs);
  const more = rest === undefined ? 0 : Math.floor((amount - whole * unitMs) / rest[0]);
  return more === 0 ? `${whole} ${name}` : `${whole} ${name} ${more} ${rest?.[1]}`;
}

/** The instant to the millisecond in the reader's time zone, and in UTC. */
export function formatExact(atMs: number): string {
  const at = new Date(atMs);
  const local = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${formatClock(atMs)}`;
  const utc = at.toISOString().replace('T', ' ').replace('Z', '');
  return local === utc ? `${utc} UTC` : `${local} here\n${utc} UTC`;
}

/** "14:03:22.114", local. */
export function formatClock(atMs: number): string {
  const at = new Date(atMs);
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}
