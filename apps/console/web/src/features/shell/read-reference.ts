export interface Reading {
  /** As the API takes it. */
  readonly reference: string;
  readonly type: string;
  readonly value: string;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const TYPED = /^([A-Za-z][A-Za-z0-9_-]*):(.+)$/;

/** What a text may mean as a reference to a person, likeliest first. */
export function readingsOf(text: string): readonly Reading[] {
  const value = text.trim();
  if (value === '') return [];
  if (UUID.test(value)) return [{ reference: value.toLowerCase(), type: 'profile id', value: value.toLowerCase() }, of('anonymousId', value), of('userId', value)];
  const [, type, rest] = TYPED.exec(value) ?? [];
  if (type !== undefined && rest !== undefined) return [of(type, rest.trim())];
  if (value.includes('@')) return [of('email', value), of('userId', value)];
  if (/^\+[\d\s().-]+$/.test(value)) return [of('phone', value.replace(/[\s().-]/g, '')), of('userId', value)];
  return [of('userId', value), of('anonymousId', value), of('deviceId', value)];
}

function of(type: string, value: string): Reading {
  return { reference: `${type}:${value}`, type, value };
}
