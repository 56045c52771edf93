/** Why a mail was sent or not: the metric label, the value in `messages.sent`, the heading in the runbook. */
export type SendReason =
  | 'sent'
  /** The purpose is not allowed for this person at the moment of sending. */
  | 'no_consent'
  /** The address bounced, complained or unsubscribed. */
  | 'suppressed'
  | 'no_address'
  | 'invalid_address'
  /** An automation with `once` has sent to this person before. */
  | 'duplicate'
  /** The template requires what this profile lacks. */
  | 'missing_data'
  /** The template could not be rendered for this person within its limits. */
  | 'render_failed'
  /** The mail server said no, for good. */
  | 'provider_refused'
  /** The mail server could not be reached, or put us off, for longer than we try. */
  | 'provider_unavailable'
  /** The process or the connection died while the mail was being handed over: it is never sent again. */
  | 'outcome_unknown'
  /** The automation or its template was deleted before its turn came. */
  | 'automation_gone'
  /** The profile no longer exists. */
  | 'profile_gone';

export interface ConsentDecision {
  readonly decision: 'granted' | 'withdrawn';
  readonly atMs: number;
}

/** An address that must not be written to: for one purpose, or for all (`*`). */
export interface Suppression {
  readonly purpose: string;
  readonly reason: 'unsubscribed' | 'hard_bounce' | 'complaint';
  readonly atMs: number;
}

/** Everything that decides in the moment before a send. */
export interface SendFacts {
  readonly purpose: string;
  readonly address: { readonly kind: 'none' | 'invalid' } | { readonly kind: 'valid'; readonly address: string };
  /** Of the purpose in the workspace; null where nobody set one, which is read as opt-in. */
  readonly policy: 'opt-in' | 'opt-out' | null;
  /** Of the profile, and of the profile that the claim was made for where that one was merged since. */
  readonly decisions: readonly ConsentDecision[];
  readonly suppressions: readonly Suppression[];
  /** Paths that the template requires and this profile lacks. */
  readonly missing: readonly string[];
}

export type SendDecision =
  | { readonly decision: 'send'; readonly address: string }
  | { readonly decision: 'not_sent'; readonly reason: SendReason };

/** Suppression before consent, so that who unsubscribed is always told the same reason; whatever is unknown is a no. */
export function decideSend(facts: SendFacts): SendDecision {
  if (facts.suppressions.some((suppression) => holds(suppression, facts))) return { decision: 'not_sent', reason: 'suppressed' };
  if (!hasConsent(facts)) return { decision: 'not_sent', reason: 'no_consent' };
  if (facts.address.kind === 'none') return { decision: 'not_sent', reason: 'no_address' };
  if (facts.address.kind === 'invalid') return { decision: 'not_sent', reason: 'invalid_address' };
  if (facts.missing.length > 0) return { decision: 'not_sent', reason: 'missing_data' };
  return { decision: 'send', address: (facts.address as { address: string }).address };
}

/** The latest decision counts, of equally late ones the withdrawal; without one, the policy does. */
function hasConsent({ policy, decisions }: SendFacts): boolean {
  const latest = latestDecision(decisions);
  return latest === null ? policy === 'opt-out' : latest.decision === 'granted';
}

function latestDecision(decisions: readonly ConsentDecision[]): ConsentDecision | null {
  let latest: ConsentDecision | null = null;
  for (const decision of decisions) {
    const isLater = latest === null || decision.atMs > latest.atMs || (decision.atMs === latest.atMs && decision.decision === 'withdrawn');
    if (isLater) latest = decision;
  }
  return latest;
}

/** Who unsubscribed and said yes again later gets mail again. A bounce or a complaint stands, whatever is said later. */
function holds(suppression: Suppression, { purpose, decisions }: SendFacts): boolean {
  if (suppression.purpose !== '*' && suppression.purpose !== purpose) return false;
  if (suppression.reason !== 'unsubscribed') return true;
  const latest = latestDecision(decisions);
  return !(latest?.decision === 'granted' && latest.atMs > suppression.atMs);
}
