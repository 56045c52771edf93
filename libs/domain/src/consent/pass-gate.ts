import type { Entry } from '@tributary/contracts/entry';
import { CONSENT_UPDATED, LIST_MEMBERSHIP_CHANGED } from '@tributary/contracts/own-events';
import { onlyIdentifies } from './only-identifies.js';
import { PROCESSING } from './policy.js';
import { readConsent, type StatedConsent } from './read-consent.js';
import { receiptOf } from './receipt-of.js';
import type { RecordedDecision, Standings } from './standings.js';

/** Closed: metric label, header of a parked record, heading of the runbook. */
export type GateReason = 'no_consent' | 'untrusted_grant' | 'malformed_consent';

/** What the gate says of one entry. */
export type Passage =
  /** Goes on, for these purposes. `consent` is set where the event is a decision itself and belongs into the ledger. */
  | { readonly passage: 'allowed'; readonly purposes: readonly string[]; readonly consent?: LedgerConsent }
  /** Two profiles became one, which the ledger has to know; goes on as it is. */
  | { readonly passage: 'merge'; readonly loser: string; readonly survivor: string; readonly mergedMs: number }
  /** None of the gate's business; goes on as it is. */
  | { readonly passage: 'untouched' }
  | { readonly passage: 'refused'; readonly reason: 'no_consent' | 'untrusted_grant' }
  | { readonly passage: 'unreadable'; readonly reason: 'malformed_consent' };

export interface LedgerConsent extends StatedConsent {
  readonly receipt: string;
  /** Receipt of the decision that stood before. */
  readonly previous: string | null;
}

/**
 * Decides one entry, in the order of its batch, and lets what it says of consent and of merges count for all entries after
 * it. An event needs `behavioural_tracking`. Without it pass only a consent decision, an identify call that has nothing
 * but identifiers, and what an operator says of a static list; an identify call with more traits is refused as a whole,
 * since what was sent is never edited here.
 */
export function passGate(entry: Entry, standings: Standings): Passage {
  const { workspace, profileId } = entry;
  if (entry.kind === 'merged' || entry.kind === 'merging') return passMerge(entry, standings);
  if (entry.kind !== 'event') return { passage: 'untouched' };
  if (entry.name === CONSENT_UPDATED && entry.type === 'track') return passDecision(entry, standings);
  const purposes = standings.allowed(workspace, profileId);
  if (purposes.includes(PROCESSING) || (entry.type === 'identify' && onlyIdentifies(parse(entry.body)))) return { passage: 'allowed', purposes };
  // A list is what the operator says of people, not what they did; it must be possible to take somebody off it.
  if (entry.speaker === 'service' && entry.name === LIST_MEMBERSHIP_CHANGED) return { passage: 'allowed', purposes };
  return { passage: 'refused', reason: 'no_consent' };
}

function passMerge(entry: Entry, standings: Standings): Passage {
  if (entry.other === undefined) return { passage: 'untouched' };
  const [loser, survivor] = entry.kind === 'merged' ? [entry.profileId, entry.other] : [entry.other, entry.profileId];
  const merge = { loser, survivor, mergedMs: entry.appendedAtMs };
  standings.merge(entry.workspace, merge);
  return { passage: 'merge', ...merge };
}

function passDecision(entry: Entry, standings: Standings): Passage {
  const { workspace, profileId } = entry;
  const { properties } = (parse(entry.body) ?? {}) as { readonly properties?: unknown };
  const stated = readConsent(properties, entry.timestampMs, entry.appendedAtMs);
  if (stated === null) return { passage: 'unreadable', reason: 'malformed_consent' };
  const receipt = receiptOf(workspace, entry.messageId);
  const before = standings.standing(workspace, profileId, stated.purpose);
  if (entry.speaker === 'untrusted' && !mayBeTakenFromAnybody(stated, before)) return { passage: 'refused', reason: 'untrusted_grant' };
  standings.record(workspace, profileId, stated.purpose, { decision: stated.decision, atMs: stated.occurredAtMs, receipt });
  const previous = before === undefined || before.receipt === receipt ? null : before.receipt;
  return { passage: 'allowed', purposes: standings.allowed(workspace, profileId), consent: { ...stated, receipt, previous } };
}

/** What a browser may be believed about the person in front of it, for a banner must be able to say yes. */
const OWN_PURPOSES: ReadonlySet<string> = new Set([PROCESSING, 'profiling']);

/**
 * A browser's write key is public, so anybody can speak for anybody. Consent is taken back by whoever says so. It is given
 * only for what the browser itself sends, and never against a withdrawal: both need a source that can be trusted.
 */
function mayBeTakenFromAnybody({ purpose, decision }: StatedConsent, before: RecordedDecision | undefined): boolean {
  return decision === 'withdrawn' || (OWN_PURPOSES.has(purpose) && before?.decision !== 'withdrawn');
}

/** Undefined for what is no JSON: it carries nothing that could let it pass. */
function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
