import { randomUUID } from 'node:crypto';
import { checkStorable } from '@tributary/domain/ingestion/check-storable';
import { EVENT_BYTES_MAX } from '@tributary/domain/ingestion/limits';
import { type EventFacts, readEvent } from '@tributary/domain/ingestion/read-event';
import { refusal, type Refusal, type RefusalCode } from '@tributary/domain/ingestion/refusal';

/** What stands beside the events of a batch and counts for each of them; an event's own wins. */
export interface BatchEnvelope {
  readonly sentAt?: unknown;
  readonly context?: unknown;
}

/** An event on its way to the inlet. */
export interface CollectedEvent {
  readonly key: string;
  /** JSON in UTF-8. */
  readonly value: Buffer;
}

export interface EventError {
  readonly index: number;
  readonly code: RefusalCode;
  readonly message: string;
}

type Fields = { readonly [key: string]: unknown };

/** Checks each event and completes it; a bad one rejects itself alone. */
export function collectEvents(events: readonly unknown[], envelope: BatchEnvelope): { readonly collected: CollectedEvent[]; readonly errors: EventError[] } {
  const collected: CollectedEvent[] = [];
  const errors: EventError[] = [];
  events.forEach((event, index) => {
    const outcome = collectEvent(event, envelope);
    if ('refused' in outcome) errors.push({ index, code: outcome.refused, message: outcome.message });
    else collected.push(outcome);
  });
  return { collected, errors };
}

/**
 * Checks an event and completes it: what the batch says for all, and a message id where it has none. The write key that
 * some clients put into it does not travel on.
 */
export function collectEvent(value: unknown, envelope: BatchEnvelope): CollectedEvent | Refusal {
  if (!isObject(value)) return refusal('not_an_object');
  const event = foldContext(withoutKey(value), envelope.context);
  const facts = readEvent(event);
  if ('refused' in facts) return facts;
  const text = JSON.stringify(event);
  if (Buffer.byteLength(text) > EVENT_BYTES_MAX) return refusal('event_too_large');
  const unstorable = checkStorable(text);
  if (unstorable !== null) return unstorable;
  const messageId = facts.messageId ?? randomUUID();
  const additions: { [field: string]: unknown } = {};
  if (facts.messageId === null) additions['messageId'] = messageId;
  if (envelope.sentAt != null && event['sentAt'] == null) additions['sentAt'] = envelope.sentAt;
  return { key: keyOf(facts, messageId), value: Buffer.from(append(text, additions)) };
}

/** Events of one person keep their order. */
function keyOf(facts: EventFacts, messageId: string): string {
  const named = facts.identifiers.find(({ type }) => type === 'userId') ?? facts.identifiers.find(({ type }) => type === 'anonymousId');
  return named?.value ?? messageId;
}

function withoutKey(event: Fields): Fields {
  if (!('writeKey' in event)) return event;
  const { writeKey: _, ...rest } = event;
  return rest;
}

function foldContext(event: Fields, context: unknown): Fields {
  if (!isObject(context)) return event;
  const own = event['context'];
  if (own === undefined || own === null) return { ...event, context };
  return isObject(own) ? { ...event, context: { ...context, ...own } } : event;
}

/** The later of two equal fields counts in JSON, so a null that stands there is replaced. */
function append(text: string, additions: Fields): string {
  const extra = JSON.stringify(additions);
  if (extra === '{}') return text;
  return text === '{}' ? extra : `${text.slice(0, -1)},${extra.slice(1)}`;
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
