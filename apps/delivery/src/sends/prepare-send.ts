import { decideSend, type SendReason } from '@tributary/domain/delivery/decide-send';
import { compiledTemplate, type RenderedMessage, renderMessage } from '../templates/render-message.js';
import type { Template } from '../templates/template.entity.js';
import { missingPaths, type OccasionScope, templateScope } from '../templates/template-scope.js';
import type { MailLinks } from '../tracking/mail-links.js';
import type { Mail } from './mail-provider.js';
import type { Recipient } from './recipient-directory.postgres.js';
import type { GateFacts } from './send-gate.postgres.js';
import type { Send } from './sends.postgres.js';

/** A send with everything that its decision and its mail are made of. */
export interface SendContext {
  readonly send: Send;
  readonly template: Template | null;
  readonly recipient: Recipient | null;
  /** Of the recipient's address; null where there is none. */
  readonly addressHash: Buffer | null;
}

export type PreparedSend =
  | { readonly prepared: 'mail'; readonly mail: Mail }
  | { readonly prepared: 'not_sent'; readonly reason: SendReason };

/** Decides with what is known now, and renders the mail if there is to be one. */
export function prepareSend({ send, template, recipient }: SendContext, gate: GateFacts, links: MailLinks): PreparedSend {
  if (!send.isAutomationAlive || template === null) return { prepared: 'not_sent', reason: 'automation_gone' };
  if (recipient === null) return { prepared: 'not_sent', reason: 'profile_gone' };
  const scope = templateScope(recipient, occasionOf(send, recipient), links.of(send.id));
  const decision = decideSend({ ...gate, purpose: send.purpose, address: recipient.address, missing: missingPaths(scope, template.required) });
  if (decision.decision === 'not_sent') return { prepared: 'not_sent', reason: decision.reason };
  const message = renderTwice(() => renderMessage(compiledTemplate(template), scope, links.tracking(send.id)));
  if (message === null) return { prepared: 'not_sent', reason: 'render_failed' };
  const { subject, html, text } = message;
  return { prepared: 'mail', mail: { id: send.id, to: decision.address, subject, html, text, headers: links.headers(send.id) } };
}

/** A machine that stalls can make any template late; one that is late twice is at fault itself. */
function renderTwice(render: () => RenderedMessage): RenderedMessage | null {
  for (let tries = 1; tries <= 2; tries += 1) {
    try {
      return render();
    } catch {
      // Tried again, or given up below.
    }
  }
  return null;
}

function occasionOf({ change }: Send, recipient: Recipient): OccasionScope {
  const { segment, change: direction, cause, effectiveAt, event } = change;
  return { segment, change: direction, cause, effectiveAt, ...event, ...(recipient.eventProperties == null ? {} : { properties: recipient.eventProperties }) };
}
