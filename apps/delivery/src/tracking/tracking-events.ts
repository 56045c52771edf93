import { createHash } from 'node:crypto';
import { detectMachine } from '@tributary/domain/delivery/detect-machine';
import type { Pool } from '@tributary/postgres/pool';
import { joinWrites } from '@tributary/postgres/write';
import type { DeliveryMetrics } from '../sends/delivery-metrics.js';
import type { Outbox, OutboxEntry } from '../sends/outbox.postgres.js';
import type { SendRecord, SentMessages } from '../sends/sent-messages.postgres.js';
import type { Suppressions } from '../sends/suppressions.postgres.js';
import { clickedEvent, consentEvent, openedEvent, unsubscribedEvent } from './engagement-event.js';

/** Who asked for a tracked address. */
export interface Visitor {
  readonly method: string;
  readonly userAgent: string;
  /** `Sec-Purpose`, `Purpose` or `X-Moz`. */
  readonly purpose: string;
}

export interface TrackingParts {
  readonly pool: Pool;
  readonly messages: SentMessages;
  readonly outbox: Outbox;
  readonly suppressions: Suppressions;
  readonly metrics: DeliveryMetrics;
  /** Called after events were committed, which must now be published. */
  readonly onEvents: () => void;
}

const RECENT_MAX = 50_000;
const LINK_ID_CHARACTERS = 12;

/** Turns what people (and machines) do with mails into events for the inlet, and their refusals into suppressions. */
export class TrackingEvents {
  /** Message ids of late: the same again is not written again. */
  readonly #recent = new Set<string>();

  constructor(private readonly parts: TrackingParts) {}

  async opened(sendId: string, visitor: Visitor): Promise<void> {
    await this.#track('open', sendId, visitor, (send, atMs, machine) => openedEvent(send, atMs, { machine }));
  }

  async clicked(sendId: string, link: string, visitor: Visitor): Promise<void> {
    const linkId = createHash('sha256').update(link).digest('base64url').slice(0, LINK_ID_CHARACTERS);
    await this.#track('click', sendId, visitor, (send, atMs, machine) => clickedEvent(send, atMs, { machine, link, linkId }));
  }

  /**
   * Committed when it resolves: from then on nothing is sent for this purpose to this address or profile.
   * @returns false when there is no such send
   */
  async unsubscribe(sendId: string, how: string): Promise<boolean> {
    const send = await this.parts.messages.find(sendId);
    if (send === null) return false;
    const atMs = Date.now();
    const { workspace, purpose, profileId } = send;
    const suppression = send.addressHash === null ? [] : [this.parts.suppressions.add({ workspace, purpose, profileId, sendId, atMs, reason: 'unsubscribed', addressHash: send.addressHash })];
    const entries = [unsubscribedEvent(send, atMs), consentEvent(send, purpose, 'withdrawn', atMs, how)];
    await this.#commit([...suppression, this.parts.outbox.add(entries)]);
    this.parts.metrics.tracked('unsubscribe', false);
    return true;
  }

  /** The person wants mail for this purpose after all. A bounce or a complaint stands. @returns false when there is no such send */
  async resubscribe(sendId: string, how: string): Promise<boolean> {
    const send = await this.parts.messages.find(sendId);
    if (send === null) return false;
    const { workspace, purpose, profileId, addressHash } = send;
    const lift = {
      text: `delete from delivery.suppressions where workspace = $1 and purpose = $2 and reason = 'unsubscribed' and (address_hash = $3 or profile_id = $4)`,
      values: [workspace, purpose, addressHash, profileId],
    };
    await this.#commit([lift, this.parts.outbox.add([consentEvent(send, purpose, 'granted', Date.now(), how)])]);
    return true;
  }

  async #track(kind: 'open' | 'click', sendId: string, visitor: Visitor, toEntry: (send: SendRecord, atMs: number, machine: string | null) => OutboxEntry): Promise<void> {
    const send = await this.parts.messages.find(sendId);
    if (send === null) return;
    const atMs = Date.now();
    const verdict = detectMachine({ kind, ...visitor, sinceDeliveryMs: atMs - (send.sentMs ?? atMs) });
    const entry = toEntry(send, atMs, verdict.machine ? verdict.reason : null);
    const id = `${send.workspace}:${(entry.value as { messageId: string }).messageId}`;
    if (this.#recent.has(id)) return;
    await this.#commit([this.parts.outbox.add([entry])]);
    if (this.#recent.size >= RECENT_MAX) this.#recent.clear();
    this.#recent.add(id);
    this.parts.metrics.tracked(kind, verdict.machine);
  }

  async #commit(writes: Parameters<typeof joinWrites>[0]): Promise<void> {
    const { text, values } = joinWrites(writes);
    await this.parts.pool.query(text, values);
    this.parts.onEvents();
  }
}
