import type { Json } from '@tributary/contracts/rule';
import { parseInstant } from '../segmentation/parse-instant.js';
import type { ConsentDecision } from './decision.js';
import { isPurpose } from './policy.js';

/** What a consent decision says, before anybody knows whether it stands. */
export interface StatedConsent {
  readonly purpose: string;
  readonly decision: ConsentDecision;
  /** When it was made, epoch ms; never later than when the log got to know it. */
  readonly occurredAtMs: number;
  /** How it was given: a form, a call, an import. */
  readonly source: string | null;
  /** Which text the person has seen. */
  readonly textVersion: string | null;
  /** The law or country under which it was given. */
  readonly jurisdiction: string | null;
  /** Evidence as the caller has it. */
  readonly proof: Json;
}

const EPOCH_MS_MAX = 8.64e15;
const TEXT_LENGTH_MAX = 200;

/**
 * Reads the event `Consent Updated`. Without a readable `occurredAt` the decision was made at the time of its event. A
 * time ahead of the log is brought back to it: else a clock that is wrong would keep all later decisions from counting.
 *
 * @param properties of the event, as sent
 * @returns null where it names no purpose or no decision: it can never be recorded
 */
export function readConsent(properties: unknown, timestampMs: number, appendedAtMs: number): StatedConsent | null {
  if (typeof properties !== 'object' || properties === null) return null;
  const { purpose, decision, occurredAt, source, textVersion, jurisdiction, proof } = properties as { readonly [key: string]: Json | undefined };
  if (!isPurpose(purpose) || (decision !== 'granted' && decision !== 'withdrawn')) return null;
  const statedMs = parseInstant(occurredAt) ?? timestampMs;
  return {
    purpose,
    decision,
    occurredAtMs: Math.max(-EPOCH_MS_MAX, Math.min(statedMs, appendedAtMs)),
    source: readText(source),
    textVersion: readText(textVersion),
    jurisdiction: readText(jurisdiction),
    proof: proof ?? null,
  };
}

/** Text that the ledger keeps with a decision, cut to 200 characters; a number is a version like any other. */
function readText(value: Json | undefined): string | null {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value.slice(0, TEXT_LENGTH_MAX) : null;
}
