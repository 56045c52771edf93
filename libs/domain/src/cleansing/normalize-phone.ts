import type { Json } from '@tributary/contracts/rule';
import type { FieldContext, Normalized } from './normalized.js';
import { tidyText } from './tidy-text.js';

const WITH_COUNTRY_CODE = /^(?:tel:)?\s*(?:\+|00)/;
const DIGITS_MIN = 4;
const DIGITS_MAX = 17;

/**
 * A telephone number in E.164. A number as written at home needs to know where home is: the wrong country would make
 * another person's number of it, so without one it stays as it is.
 */
export function normalizePhone(value: Json, { tools, country }: FieldContext): Normalized {
  if (typeof value !== 'string' && typeof value !== 'number') return { value: undefined, issue: 'invalid_phone' };
  const text = tidyText(String(value));
  const isInternational = WITH_COUNTRY_CODE.test(text);
  const written = isInternational ? text.replace(WITH_COUNTRY_CODE, '+') : text;
  const phone = isInternational || country !== null ? tools.phone(written, country) : null;
  if (phone !== null) return { value: phone };
  return { value: text, issue: !isInternational && country === null && couldBeNumber(text) ? 'phone_without_country' : 'invalid_phone' };
}

function couldBeNumber(text: string): boolean {
  const digits = text.replace(/\D/g, '').length;
  return digits >= DIGITS_MIN && digits <= DIGITS_MAX && !/\p{L}{2}/u.test(text);
}
