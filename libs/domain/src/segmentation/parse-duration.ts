/** The longest duration a rule may name, in days (a hundred years). */
export const DURATION_DAYS_MAX = 36_500;

export const DAY_MS = 86_400_000;

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: DAY_MS, w: 7 * DAY_MS };

/** `30d` → milliseconds; undefined for what is no duration. A day is 24 h, a week 7 days. */
export function parseDuration(text: unknown): number | undefined {
  if (typeof text !== 'string') return undefined;
  const found = /^([1-9][0-9]*)([smhdw])$/.exec(text);
  if (!found) return undefined;
  const ms = Number(found[1]) * UNIT_MS[found[2]!]!;
  return ms <= DURATION_DAYS_MAX * DAY_MS ? ms : undefined;
}

/** `3d`, `2w` → whole days; `0d` only where `zero` allows it. Undefined for other units and for what is no duration. */
export function parseDays(text: unknown, zero: 'zero' | 'positive'): number | undefined {
  if (typeof text !== 'string') return undefined;
  const found = /^(0|[1-9][0-9]*)([dw])$/.exec(text);
  if (!found) return undefined;
  const days = Number(found[1]) * (found[2] === 'w' ? 7 : 1);
  if (days > DURATION_DAYS_MAX || (days === 0 && zero === 'positive')) return undefined;
  return days;
}
