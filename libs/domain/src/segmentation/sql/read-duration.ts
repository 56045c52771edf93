const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** Rule 8. What is refused there cannot have been saved, so it is an error here. */
export function readDurationMs(text: string): number {
  const [, count, unit] = /^([1-9][0-9]*)([smhdw])$/.exec(text) ?? [];
  if (count === undefined || unit === undefined) throw new Error(`"${text}" is not a duration.`);
  return Number(count) * UNIT_MS[unit]!;
}

/** Whole days, for calendar windows and anniversaries: `7d`, `2w`, and `0d` for the latter. */
export function readDays(text: string): number {
  const [, count, unit] = /^(0|[1-9][0-9]*)([dw])$/.exec(text) ?? [];
  if (count === undefined) throw new Error(`"${text}" is not a number of days or weeks.`);
  return Number(count) * (unit === 'w' ? 7 : 1);
}
