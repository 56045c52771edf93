/** Why an event is refused at the door, or parked where it came in through Kafka. Closed: it is a metric label and part of the contract. */
export type RefusalCode =
  | 'malformed_json'
  | 'not_an_object'
  | 'event_too_large'
  | 'event_too_deep'
  | 'unstorable_text'
  | 'unstorable_number'
  | 'unknown_type'
  | 'malformed_event_name'
  | 'reserved_event_name'
  | 'malformed_properties'
  | 'malformed_traits'
  | 'malformed_context'
  | 'malformed_message_id'
  | 'malformed_user_id'
  | 'malformed_anonymous_id'
  | 'malformed_previous_id'
  | 'malformed_group_id'
  | 'malformed_external_ids'
  | 'malformed_timestamp'
  | 'malformed_sent_at'
  | 'no_identifier';

export interface Refusal {
  readonly refused: RefusalCode;
  /** What to do about it; no values out of the event. */
  readonly message: string;
}

/** The refusal of each code, made once. */
export function refusal(code: RefusalCode): Refusal {
  return REFUSALS[code];
}

const MESSAGES: { readonly [code in RefusalCode]: string } = {
  malformed_json: 'The body must be JSON in UTF-8.',
  not_an_object: 'An event must be a JSON object.',
  event_too_large: 'An event has at most 32 KB.',
  event_too_deep: 'Objects and arrays of an event may be nested 32 deep.',
  unstorable_text: 'Texts must not hold U+0000 or half a surrogate pair.',
  unstorable_number: 'Numbers must be within what a double holds.',
  unknown_type: 'type must be identify, track, page, screen, group or alias.',
  malformed_event_name: 'A track event needs event, a text of 1 to 200 characters.',
  reserved_event_name: 'Track events must not be named page or screen: these names mean views.',
  malformed_properties: 'properties must be an object.',
  malformed_traits: 'traits must be an object.',
  malformed_context: 'context must be an object.',
  malformed_message_id: 'messageId must be a text of 1 to 256 characters.',
  malformed_user_id: 'userId must be a text of at most 512 characters, or a number.',
  malformed_anonymous_id: 'anonymousId must be a text of at most 512 characters, or a number.',
  malformed_previous_id: 'An alias needs previousId, a text of 1 to 512 characters, or a number.',
  malformed_group_id: 'A group event needs groupId, a text of 1 to 512 characters, or a number.',
  malformed_external_ids: 'context.externalIds must be a list of at most 20 objects with type and id.',
  malformed_timestamp: 'timestamp must be an ISO 8601 instant or epoch milliseconds.',
  malformed_sent_at: 'sentAt must be an ISO 8601 instant or epoch milliseconds.',
  no_identifier: 'An event needs userId, anonymousId or another identifier of a person.',
};

const REFUSALS = Object.fromEntries(
  Object.entries(MESSAGES).map(([refused, message]) => [refused, { refused, message }]),
) as unknown as { readonly [code in RefusalCode]: Refusal };
