import type { Json } from '@tributary/contracts/rule';

/** What may be wrong with a field of an event that goes on all the same. Closed: counted by reason, see `GET /v1/quality`. */
export type QualityIssue =
  | 'invalid_email'
  | 'invalid_phone'
  | 'phone_without_country'
  | 'invalid_name'
  | 'invalid_birthday'
  | 'ambiguous_birthday'
  | 'invalid_address'
  | 'unknown_country'
  | 'unknown_currency'
  | 'doubtful_time';

/**
 * What became of a field. What can be read is written in its one form. Text that cannot be read stays as its owner wrote it
 * and is counted: nobody else knows better what was meant. What cannot be such a field at all (an e-mail address that is a
 * list) is taken out, `value` being undefined: it must not hide what was known before.
 */
export interface Normalized {
  readonly value: Json | undefined;
  readonly issue?: QualityIssue;
}

/** Knowledge of the world, which libraries bring. All pure. */
export interface CleansingTools {
  /**
   * @param country ISO 3166-1 alpha-2, where the number may be written as at home
   * @returns E.164, or null for what is no possible number there
   */
  phone(text: string, country: string | null): string | null;
  /** ISO 3166-1 alpha-2 of a country by name or code, or null. */
  country(text: string): string | null;
  /** ISO 4217 code by code, or null. */
  currency(text: string): string | null;
}

/** What else is known where a field is normalized. */
export interface FieldContext {
  readonly tools: CleansingTools;
  /** Where the person lives, ISO 3166-1 alpha-2, if the event says so. */
  readonly country: string | null;
}
