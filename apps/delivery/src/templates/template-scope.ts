import type { Recipient } from '../sends/recipient-directory.postgres.js';
import type { TemplateScope } from './renderer.js';

/** Where the links of one mail lead. */
export interface MailLinks {
  readonly unsubscribeUrl: string;
  readonly preferencesUrl: string;
}

/** The change that occasioned a mail, as templates see it (`event`). */
export interface OccasionScope {
  readonly segment: string;
  readonly change: 'entered' | 'left';
  readonly cause: string;
  readonly effectiveAt: string;
  /** Of the event that caused the change, where one did. */
  readonly name?: string;
  readonly timestamp?: string;
  readonly messageId?: string;
  readonly properties?: unknown;
}

/** Everything that a template may name. */
export function templateScope(recipient: Recipient, event: OccasionScope | null, links: MailLinks): TemplateScope {
  return {
    profile: { ...(recipient.address.kind === 'valid' ? { email: recipient.address.address } : {}), ...recipient.traits },
    computed: recipient.computed,
    scores: recipient.scores,
    cluster: recipient.cluster,
    segments: recipient.segments,
    event: event ?? {},
    workspace: recipient.workspace,
    unsubscribe_url: links.unsubscribeUrl,
    preferences_url: links.preferencesUrl,
  };
}

/** The required paths that lead nowhere: absent, null, or blank text. */
export function missingPaths(scope: TemplateScope, required: readonly string[]): readonly string[] {
  return required.filter((path) => {
    let value: unknown = scope;
    for (const name of path.split('.')) {
      value = typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as { [name: string]: unknown })[name] : undefined;
    }
    return value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
  });
}
