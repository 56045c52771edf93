const USUAL = /^\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d\.\d{3}Z$/;
const INSTANT = /^(\d{4}-\d\d-\d\d)(?:T((?:[01]\d|2[0-3]):\d\d)(?::(\d\d)(?:\.(\d{1,30}))?)?(Z|[+-]\d\d:?\d\d)?)?$/;
const EPOCH_MS_MAX = 8.64e15;

/**
 * An instant as events give it: `YYYY-MM-DD` (midnight UTC), `YYYY-MM-DDTHH:MM[:SS[.fff…]]` with `Z`, an offset or none
 * (UTC), cut to milliseconds; or epoch milliseconds as a JSON number, floored.
 * @returns epoch ms, or null for what is no instant
 */
export function parseInstant(value: unknown): number | null {
  if (typeof value === 'number') return Math.abs(value) <= EPOCH_MS_MAX ? Math.floor(value) : null;
  if (typeof value !== 'string') return null;
  // Nearly every client writes this one form. A day that its month does not have would roll over.
  if (USUAL.test(value) && Number(value.slice(8, 10)) <= 28) return finite(Date.parse(value));
  const match = INSTANT.exec(value);
  if (match === null) return null;
  const [, day = '', minutes = '00:00', seconds = '00', fraction = '', zone = 'Z'] = match;
  const midnight = finite(Date.parse(`${day}T00:00:00Z`));
  if (midnight === null || new Date(midnight).toISOString().slice(0, 10) !== day) return null;
  const offset = zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone;
  return finite(Date.parse(`${day}T${minutes}:${seconds}.${fraction.slice(0, 3).padEnd(3, '0')}${offset}`));
}

function finite(ms: number): number | null {
  return Number.isNaN(ms) ? null : ms;
}
