import type { EngagementEvent, OutboxEntry } from '../sends/outbox.postgres.js';

/** The send that an event is about. */
export interface SendRef {
  readonly id: string;
  readonly workspace: string;
  readonly profileId: string;
  readonly automation: string;
  readonly template: string;
}

const MINUTE_MS = 60_000;

/** The mail server took the mail. */
export function deliveredEvent(send: SendRef, atMs: number): OutboxEntry {
  return entry(send, 'Email Delivered', `delivered:${send.id}`, atMs);
}

/** The address does not exist. */
export function bouncedEvent(send: SendRef, atMs: number): OutboxEntry {
  return entry(send, 'Email Bounced', `bounced:${send.id}`, atMs);
}

export interface MachineMark {
  /** Why it was a machine, or null for a person. */
  readonly machine: string | null;
}

/** One event a minute at most for a person and for machines: scores count mails, not how often one was looked at. */
export function openedEvent(send: SendRef, atMs: number, { machine }: MachineMark): OutboxEntry {
  return entry(send, 'Email Opened', `opened:${send.id}:${markOf(machine)}:${Math.floor(atMs / MINUTE_MS)}`, atMs, machineProperties(machine));
}

/** Likewise for each link. @param linkId stable for the link inside the mail */
export function clickedEvent(send: SendRef, atMs: number, { machine, link, linkId }: MachineMark & { readonly link: string; readonly linkId: string }): OutboxEntry {
  const messageId = `clicked:${send.id}:${linkId}:${markOf(machine)}:${Math.floor(atMs / MINUTE_MS)}`;
  return entry(send, 'Email Link Clicked', messageId, atMs, { link_url: link, ...machineProperties(machine) });
}

export function unsubscribedEvent(send: SendRef, atMs: number): OutboxEntry {
  return entry(send, 'Unsubscribed', `unsubscribed:${send.id}:${atMs}`, atMs);
}

/** What a person decided on a page of ours, for the consent ledger. */
export function consentEvent(send: SendRef, purpose: string, decision: 'granted' | 'withdrawn', atMs: number, how: string): OutboxEntry {
  const properties = { purpose, decision, source: how, textVersion: 'delivery-preferences-1', proof: `send:${send.id}`, occurredAt: new Date(atMs).toISOString() };
  return entry(send, 'Consent Updated', `consent:${send.id}:${purpose}:${decision}:${atMs}`, atMs, properties);
}

function entry(send: SendRef, event: string, messageId: string, atMs: number, properties: EngagementEvent['properties'] = {}): OutboxEntry {
  const about = event === 'Consent Updated' ? {} : { email_id: send.id, campaign_name: send.automation, template: send.template };
  return {
    kind: 'event',
    workspace: send.workspace,
    profileId: send.profileId,
    value: { type: 'track', event, messageId, timestamp: new Date(atMs).toISOString(), properties: { ...about, ...properties } },
  };
}

const markOf = (machine: string | null): string => (machine === null ? 'person' : 'machine');

const machineProperties = (machine: string | null): EngagementEvent['properties'] => (machine === null ? {} : { machine: true, machine_reason: machine });
