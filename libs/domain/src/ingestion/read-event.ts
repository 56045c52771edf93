import { DEPTH_MAX, EVENT_NAME_LENGTH_MAX, IDENTIFIER_LENGTH_MAX, MESSAGE_ID_LENGTH_MAX } from './limits.js';
import { nameFact } from './name-fact.js';
import { parseInstant } from './parse-instant.js';
import { type Identifier, readIdentifiers } from './read-identifiers.js';
import { refusal, type Refusal } from './refusal.js';

/** What the platform needs to know of an event; all else stays in its bytes. */
export interface EventFacts {
  readonly type: EventType;
  /** As rules see it: the name of a track event; `page`, `screen` for views; else empty. */
  readonly name: string;
  readonly messageId: string | null;
  readonly timestampMs: number | null;
  readonly sentAtMs: number | null;
  /** Strongest first; empty only where `isNamed`. */
  readonly identifiers: readonly Identifier[];
  /** Of an alias: the name that the person had before. */
  readonly previousId: string | null;
  /** The same in every report of the same fact, see `nameFact`. */
  readonly fact: string | null;
}

export type EventType = 'identify' | 'track' | 'page' | 'screen' | 'group' | 'alias';

export interface ReadOptions {
  /** The sender names the profile beside the event, so the event needs no identifier. */
  readonly isNamed?: boolean;
  /** Fills a missing `timestamp`. */
  readonly timestamp?: string;
}

/**
 * Checks the shape of a Segment-spec event, parsed from JSON, and reads what decides its way: the same for every door.
 */
export function readEvent(value: unknown, options: ReadOptions = {}): EventFacts | Refusal {
  if (!isObject(value)) return refusal('not_an_object');
  const unfit = inspect(value, DEPTH_MAX);
  if (unfit !== null) return refusal(unfit);
  const type = value['type'];
  if (!isEventType(type)) return refusal('unknown_type');
  const misshapen = checkObjects(value) ?? checkName(type, value['event']);
  if (misshapen !== null) return misshapen;

  const userId = readId(value['userId']);
  if (userId === undefined) return refusal('malformed_user_id');
  const anonymousId = readId(value['anonymousId']);
  if (anonymousId === undefined) return refusal('malformed_anonymous_id');
  const previousId = type === 'alias' ? readId(value['previousId']) : null;
  if (previousId === undefined || (type === 'alias' && previousId === null)) return refusal('malformed_previous_id');
  if (type === 'group' && typeof readId(value['groupId']) !== 'string') return refusal('malformed_group_id');

  const messageId = value['messageId'] ?? null;
  if (messageId !== null && !isText(messageId, MESSAGE_ID_LENGTH_MAX)) return refusal('malformed_message_id');
  const timestamp = readInstant(value['timestamp'] ?? options.timestamp);
  if (timestamp === undefined) return refusal('malformed_timestamp');
  const sentAt = readInstant(value['sentAt']);
  if (sentAt === undefined) return refusal('malformed_sent_at');

  const identifiers = readIdentifiers({ type, userId, anonymousId, traits: value['traits'], context: value['context'] });
  if (identifiers === null) return refusal('malformed_external_ids');
  if (type === 'alias' && userId === null) return refusal('malformed_user_id');
  if (identifiers.length === 0 && options.isNamed !== true) return refusal('no_identifier');

  const name = type === 'track' ? (value['event'] as string) : type === 'page' || type === 'screen' ? type : '';
  return {
    type, name, messageId, timestampMs: timestamp, sentAtMs: sentAt, identifiers, previousId,
    fact: nameFact(type, name, value['properties']),
  };
}

const TYPES: ReadonlySet<unknown> = new Set<EventType>(['identify', 'track', 'page', 'screen', 'group', 'alias']);
/** Views have names of their own in rules. */
const RESERVED_NAMES: ReadonlySet<string> = new Set(['page', 'screen']);
/** What programs write where they have no id. They would make one person of everybody. */
const ACCIDENTS: ReadonlySet<string> = new Set(['null', 'undefined', 'NaN', '[object Object]']);

function isEventType(value: unknown): value is EventType {
  return TYPES.has(value);
}

function checkObjects(event: { readonly [key: string]: unknown }): Refusal | null {
  if (!isObjectOrNothing(event['properties'])) return refusal('malformed_properties');
  if (!isObjectOrNothing(event['traits'])) return refusal('malformed_traits');
  if (!isObjectOrNothing(event['context'])) return refusal('malformed_context');
  return null;
}

function checkName(type: EventType, name: unknown): Refusal | null {
  if (type !== 'track') return null;
  if (!isText(name, EVENT_NAME_LENGTH_MAX)) return refusal('malformed_event_name');
  return RESERVED_NAMES.has(name) ? refusal('reserved_event_name') : null;
}

/** The id as text; null where there is none; undefined where it is malformed. Empty texts are sent for "none". */
function readId(value: unknown): string | null | undefined {
  if (value === undefined || value === null || value === '') return null;
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : undefined;
  if (!isText(value, IDENTIFIER_LENGTH_MAX)) return undefined;
  return ACCIDENTS.has(value) ? null : value;
}

/** Epoch ms; null where there is none; undefined where it cannot be read. */
function readInstant(value: unknown): number | null | undefined {
  if (value === undefined || value === null) return null;
  return parseInstant(value) ?? undefined;
}

function isText(value: unknown, lengthMax: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= lengthMax;
}

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isObjectOrNothing(value: unknown): boolean {
  return value === undefined || value === null || isObject(value);
}

/** JSON knows numbers that no double holds; read, they are infinite. */
function inspect(value: object, levels: number): 'event_too_deep' | 'unstorable_number' | null {
  if (levels === 0) return 'event_too_deep';
  for (const key in value) {
    const inner = (value as { readonly [key: string]: unknown })[key];
    if (typeof inner === 'number' && !Number.isFinite(inner)) return 'unstorable_number';
    if (typeof inner !== 'object' || inner === null) continue;
    const unfit = inspect(inner, levels - 1);
    if (unfit !== null) return unfit;
  }
  return null;
}
