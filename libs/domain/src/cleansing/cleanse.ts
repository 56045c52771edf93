import type { EntryHeader } from '@tributary/contracts/entry';
import type { Json } from '@tributary/contracts/rule';
import { normalizeAddress } from './normalize-address.js';
import { normalizeBirthday } from './normalize-birthday.js';
import { normalizeCountry } from './normalize-country.js';
import { normalizeCurrency } from './normalize-currency.js';
import { normalizeEmail } from './normalize-email.js';
import { normalizeName } from './normalize-name.js';
import { normalizePhone } from './normalize-phone.js';
import type { CleansingTools, FieldContext, Normalized, QualityIssue } from './normalized.js';

/** Closed: what makes an event one that can never be right. */
export type QuarantineReason = 'malformed_body' | 'malformed_traits' | 'missing_name' | 'missing_message_id' | 'implausible_time';

export type FieldType = 'email' | 'phone' | 'name' | 'birthday' | 'address' | 'country' | 'currency';

/** A field that cleansing may change: where it stands in the event's body, and what it is. */
export interface Field {
  readonly path: readonly string[];
  readonly type: FieldType;
}

/** What was found in a field of an event that goes on. */
export interface FoundIssue {
  readonly issue: QualityIssue;
  /** JSON Pointer into the event; empty for the event as a whole. */
  readonly pointer: string;
}

export type Cleansed =
  /** Goes on with its bytes as they came. */
  | { readonly outcome: 'kept'; readonly issues: readonly FoundIssue[] }
  /** Goes on with this body. */
  | { readonly outcome: 'changed'; readonly body: Buffer; readonly issues: readonly FoundIssue[] }
  | { readonly outcome: 'quarantined'; readonly reason: QuarantineReason; readonly pointer: string };

type Body = { [field: string]: Json };

/** All that is changed without an event contract: traits, which only identify calls set. */
const TRAITS: readonly Field[] = (
  [['email', 'email'], ['phone', 'phone'], ['name', 'name'], ['firstName', 'name'], ['lastName', 'name'], ['address', 'address'], ['birthday', 'birthday']] as const
).map(([trait, type]) => ({ path: ['traits', trait], type }));

const NORMALIZERS: { readonly [type in FieldType]: (value: Json, context: FieldContext) => Normalized } = {
  email: normalizeEmail,
  phone: normalizePhone,
  name: normalizeName,
  birthday: normalizeBirthday,
  address: normalizeAddress,
  country: normalizeCountry,
  currency: normalizeCurrency,
};

/** Digital clocks begin here: what was recorded before was recorded by a clock that was never set. */
const CLOCKS_BEGIN_MS = 0;
/** History before this is legal, and often a mistake. */
const DOUBTFUL_BEFORE_MS = Date.UTC(2000, 0, 1);
const NOTHING: readonly FoundIssue[] = [];

/**
 * Makes an event right or says why it can never be. Changes nothing but the seven traits of identify calls and the fields
 * declared (rule 1); an event in which nothing of that has to change keeps its bytes, and one that cannot have any is not
 * even parsed.
 *
 * @param declared fields whose type an event contract declares for events of this name
 */
export function cleanse(header: EntryHeader, body: Buffer, tools: CleansingTools, declared: readonly Field[] = []): Cleansed {
  const unfit = checkHeader(header);
  if (unfit !== null) return unfit;
  const issues = header.timestampMs < DOUBTFUL_BEFORE_MS ? [{ issue: 'doubtful_time', pointer: '/timestamp' } as const] : NOTHING;
  const fields = header.type === 'identify' ? (declared.length === 0 ? TRAITS : [...TRAITS, ...declared]) : declared;
  if (fields.length === 0) return { outcome: 'kept', issues };
  const parsed = parse(body);
  if (parsed === null) return { outcome: 'quarantined', reason: 'malformed_body', pointer: '' };
  if (header.type === 'identify' && !isObjectOrNothing(parsed['traits'])) return { outcome: 'quarantined', reason: 'malformed_traits', pointer: '/traits' };
  return cleanseFields(parsed, fields, tools, issues);
}

function checkHeader({ type, name, messageId, timestampMs }: EntryHeader): Cleansed | null {
  if (messageId === '') return { outcome: 'quarantined', reason: 'missing_message_id', pointer: '/messageId' };
  if (type === 'track' && name.trim() === '') return { outcome: 'quarantined', reason: 'missing_name', pointer: '/event' };
  if (!(timestampMs >= CLOCKS_BEGIN_MS)) return { outcome: 'quarantined', reason: 'implausible_time', pointer: '/timestamp' };
  return null;
}

function cleanseFields(body: Body, fields: readonly Field[], tools: CleansingTools, before: readonly FoundIssue[]): Cleansed {
  const context = { tools, country: countryOf(body, tools) };
  const issues = [...before];
  let isChanged = false;
  for (const { path, type } of fields) {
    const holder = walk(body, path.slice(0, -1));
    const key = path[path.length - 1] as string;
    // Null says that there is none, which is always right.
    if (holder === null || !Object.hasOwn(holder, key) || holder[key] === null) continue;
    const found = holder[key] as Json;
    const { value, issue } = NORMALIZERS[type](found, context);
    if (issue !== undefined) issues.push({ issue, pointer: pointerOf(path) });
    if (value === undefined) delete holder[key];
    else if (isSame(value, found)) continue;
    else holder[key] = value;
    isChanged = true;
  }
  return isChanged ? { outcome: 'changed', body: Buffer.from(JSON.stringify(body)), issues } : { outcome: 'kept', issues };
}

/** Where the person says to live, else where the device was. A language setting is no country. */
function countryOf(body: Body, tools: CleansingTools): string | null {
  for (const path of [['traits', 'address'], ['context', 'traits', 'address'], ['context', 'location']]) {
    const country = walk(body, path)?.['country'];
    if (typeof country === 'string' && country !== '') return tools.country(country.trim());
  }
  return null;
}

function walk(body: Body, path: readonly string[]): Body | null {
  let current: Json = body;
  for (const key of path) {
    if (!isObject(current) || !Object.hasOwn(current, key)) return null;
    current = current[key] as Json;
  }
  return isObject(current) ? current : null;
}

function isSame(left: Json, right: Json): boolean {
  return left === right || (typeof left === 'object' && JSON.stringify(left) === JSON.stringify(right));
}

function pointerOf(path: readonly string[]): string {
  return path.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function parse(body: Buffer): Body | null {
  try {
    const parsed: unknown = JSON.parse(body.toString());
    return isObject(parsed) ? parsed : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isObjectOrNothing(value: unknown): boolean {
  return value === undefined || value === null || isObject(value);
}
