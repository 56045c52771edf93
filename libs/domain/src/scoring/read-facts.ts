import { createHash } from 'node:crypto';
import type { EntryHeader } from '@tributary/contracts/entry';
import type { Json } from '@tributary/contracts/rule';
import type { MailFact } from './engagement.js';

/** What an event says that a profile remembers, beyond that it happened. */
export type EventFacts =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'page-view' }
  | { readonly kind: 'traits'; readonly traits: { readonly [name: string]: Json } }
  | { readonly kind: 'mail'; readonly fact: MailFact; readonly emailId: string };

const NOTHING: EventFacts = { kind: 'nothing' };
const PAGE_VIEW: EventFacts = { kind: 'page-view' };

const MAIL_FACTS: ReadonlyMap<string, MailFact> = new Map([
  ['Email Delivered', 'delivered'],
  ['Email Opened', 'opened'],
  ['Email Link Clicked', 'clicked'],
]);

const EMAIL_ID_LENGTH_MAX = 100;

/**
 * Reads what counts out of an event. The body is parsed only where the header says that something in it may count.
 * @throws SyntaxError when a body that must be read is no JSON
 */
export function readFacts(header: Pick<EntryHeader, 'type' | 'name'>, readBody: () => unknown): EventFacts {
  if (header.type === 'page') return PAGE_VIEW;
  if (header.type === 'identify') {
    const traits = ownValue(readBody(), 'traits');
    return isObject(traits) ? { kind: 'traits', traits: traits as { readonly [name: string]: Json } } : NOTHING;
  }
  if (header.type !== 'track') return NOTHING;
  const fact = MAIL_FACTS.get(header.name);
  return fact === undefined ? NOTHING : readMail(fact, ownValue(readBody(), 'properties'));
}

function readMail(fact: MailFact, properties: unknown): EventFacts {
  const emailId = ownValue(properties, 'email_id');
  const isByMachine = fact !== 'delivered' && ownValue(properties, 'machine') === true;
  if (isByMachine || !isScalar(emailId)) return NOTHING;
  return { kind: 'mail', fact, emailId: boundId(String(emailId)) };
}

/** Of a long id its SHA-256 is remembered, so that ids cannot make a state large. */
function boundId(emailId: string): string {
  return emailId.length <= EMAIL_ID_LENGTH_MAX ? emailId : `sha256:${createHash('sha256').update(emailId).digest('base64url')}`;
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function ownValue(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? (value as { readonly [name: string]: unknown })[name] : undefined;
}
