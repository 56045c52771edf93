import type { Json } from '@tributary/contracts/rule';
import { isAddress } from '../delivery/choose-address.js';
import { normalizeEmail as identifierOf } from '../ingestion/read-identifiers.js';
import type { Normalized } from './normalized.js';

/**
 * An e-mail address as identity has it: without spaces around, all in lower case. The part before the @ too: in theory
 * `Ann@` and `ann@` can be two mailboxes; in practice they are one person.
 */
export function normalizeEmail(value: Json): Normalized {
  if (typeof value !== 'string') return { value: undefined, issue: 'invalid_email' };
  const text = value.normalize('NFC');
  const email = identifierOf(text) ?? text.trim();
  return isAddress(email) ? { value: email } : { value: email, issue: 'invalid_email' };
}
