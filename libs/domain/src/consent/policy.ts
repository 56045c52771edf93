import type { ConsentDecision } from './decision.js';

/** What holds for a purpose of which a person has said nothing: opt-out allows it, opt-in does not. */
export type PurposePolicy = 'opt-in' | 'opt-out';

/** The purpose without which an event is not processed. */
export const PROCESSING = 'behavioural_tracking';

/** What every workspace begins with. A purpose that nobody has defined is opt-in. */
export const DEFAULT_POLICIES: ReadonlyMap<string, PurposePolicy> = new Map([
  ['behavioural_tracking', 'opt-out'],
  ['profiling', 'opt-out'],
  ['email_marketing', 'opt-in'],
  ['data_sharing', 'opt-in'],
]);

const PURPOSE = /^[a-z0-9_-]{1,100}$/;

/** Purposes are named like other resources, with underscores allowed. */
export function isPurpose(value: unknown): value is string {
  return typeof value === 'string' && PURPOSE.test(value);
}

/** Whether a purpose may be served, and why. The reasons are those of the `Check` call. */
export type Permission =
  | { readonly allowed: true; readonly reason: 'granted' | 'allowed_by_policy' }
  | { readonly allowed: false; readonly reason: 'withdrawn' | 'not_granted' };

/** @param decision the one that stands for the person, or undefined when nothing was ever said */
export function permit(policy: PurposePolicy, decision: ConsentDecision | undefined): Permission {
  if (decision === 'granted') return { allowed: true, reason: 'granted' };
  if (decision === 'withdrawn') return { allowed: false, reason: 'withdrawn' };
  return policy === 'opt-out' ? { allowed: true, reason: 'allowed_by_policy' } : { allowed: false, reason: 'not_granted' };
}
