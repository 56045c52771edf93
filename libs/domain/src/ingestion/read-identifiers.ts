import { EXTERNAL_IDS_MAX, IDENTIFIER_LENGTH_MAX } from './limits.js';

export interface Identifier {
  /** `userId`, `email`, `phone`, `deviceId`, `anonymousId`, or a type of the workspace's own. */
  readonly type: string;
  readonly value: string;
}

/** The parts of an event that can name a person; shapes are checked before. */
export interface IdentifierSources {
  readonly type: string;
  readonly userId: string | null;
  readonly anonymousId: string | null;
  readonly traits: unknown;
  readonly context: unknown;
}

const EMAIL = /^[^\s@]+@[^\s@]+$/;
const PHONE_DIGITS = /^\+\d{7,15}$/;
const CUSTOM_TYPE = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;
const RESERVED: ReadonlySet<string> = new Set(['userId', 'anonymousId', 'deviceId']);

type Fields = { readonly [key: string]: unknown };

/**
 * The identifiers of an event, each once, strongest first: userId, email, phone, custom ones, deviceId, anonymousId. The
 * strongest one names a profile that has to be made. Traits that are no address or number name nobody.
 * @returns null where `context.externalIds` is malformed
 */
export function readIdentifiers(event: IdentifierSources): Identifier[] | null {
  const found: Identifier[] = [];
  if (event.userId !== null) found.push({ type: 'userId', value: event.userId });
  const context = asFields(event.context);
  // A group's traits are the group's: its address is nobody's. Those of an identify call come before the context's.
  if (event.type === 'identify') addContacts(found, asFields(event.traits));
  if (context !== null) {
    addContacts(found, asFields(context['traits']));
    if (!addExternalIds(found, context['externalIds'])) return null;
    const device = asFields(context['device'])?.['id'];
    if (isIdentifierText(device)) found.push({ type: 'deviceId', value: device });
  }
  if (event.anonymousId !== null) found.push({ type: 'anonymousId', value: event.anonymousId });
  return found;
}

/** Lower case without spaces around, or null where it is no address. */
export function normalizeEmail(value: unknown): string | null {
  if (typeof value !== 'string' || value.length > IDENTIFIER_LENGTH_MAX) return null;
  const email = value.trim().toLowerCase();
  return EMAIL.test(email) ? email : null;
}

/** `+` and digits, or null: without a country code one number can be two people's. */
export function normalizePhone(value: unknown): string | null {
  if (typeof value !== 'string' || value.length > 64) return null;
  const phone = value.replace(/[\s().\-/]/g, '').replace(/^00/, '+');
  return PHONE_DIGITS.test(phone) ? phone : null;
}

function addContacts(found: Identifier[], traits: Fields | null): void {
  if (traits === null) return;
  addOnce(found, 'email', normalizeEmail(traits['email']));
  addOnce(found, 'phone', normalizePhone(traits['phone']));
}

function addExternalIds(found: Identifier[], list: unknown): boolean {
  if (list === undefined || list === null) return true;
  if (!Array.isArray(list) || list.length > EXTERNAL_IDS_MAX) return false;
  const custom: Identifier[] = [];
  for (const item of list) {
    const { type, id } = (asFields(item) ?? {}) as Fields;
    if (typeof type !== 'string' || !CUSTOM_TYPE.test(type)) return false;
    if (type === 'email') addOnce(found, type, normalizeEmail(id));
    else if (type === 'phone') addOnce(found, type, normalizePhone(id));
    else if (!isIdentifierText(id)) return false;
    else if (!RESERVED.has(type)) addOnce(custom, type, id);
  }
  found.push(...custom);
  return true;
}

/** One e-mail and one phone number an event: the first given. Of custom types, one each. */
function addOnce(found: Identifier[], type: string, value: string | null): void {
  if (value !== null && !found.some((other) => other.type === type)) found.push({ type, value });
}

function isIdentifierText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= IDENTIFIER_LENGTH_MAX;
}

function asFields(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;
}
