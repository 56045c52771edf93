import { createHash } from 'node:crypto';

const OWN_MESSAGE = /^consent:([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/;

/** The message id under which a decision that was recorded first goes into the stream. */
export function messageIdOf(receipt: string): string {
  return `consent:${receipt}`;
}

/**
 * The id of a decision in the ledger: always the same for the same message, so that a repeated message is the same entry,
 * and one that was recorded before it went into the stream is known again.
 */
export function receiptOf(workspace: string, messageId: string): string {
  const own = OWN_MESSAGE.exec(messageId)?.[1];
  if (own !== undefined) return own;
  const hex = createHash('sha256').update(`${workspace}\n${messageId}`).digest('hex');
  // Version 8 of RFC 9562: an id of one's own making.
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
