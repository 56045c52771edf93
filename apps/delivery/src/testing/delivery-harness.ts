import { randomUUID } from 'node:crypto';
import type { SegmentChange } from '@tributary/contracts/change';
import type { InletMessage } from '@tributary/service/inlet-writer';
import type { LogRecord, OutRecord } from '@tributary/stream/stage';
import { Registry } from 'prom-client';
import { AutomationCache } from '../automations/automation-cache.postgres.js';
import type { AutomationContent } from '../automations/automations.postgres.js';
import { ChangesStage } from '../decide-changes.js';
import { Definitions } from '../definitions.postgres.js';
import { DeliveryMetrics } from '../sends/delivery-metrics.js';
import type { MailProvider } from '../sends/mail-provider.js';
import { Outbox, type SentMessage } from '../sends/outbox.postgres.js';
import { OutboxPublisher } from '../sends/outbox-publisher.js';
import { OwnerLease } from '../sends/owner-lease.js';
import { RecipientDirectory } from '../sends/recipient-directory.postgres.js';
import { Sender } from '../sends/sender.js';
import { SendGate } from '../sends/send-gate.postgres.js';
import { Sends } from '../sends/sends.postgres.js';
import { SentMessages } from '../sends/sent-messages.postgres.js';
import { Suppressions } from '../sends/suppressions.postgres.js';
import { compileTemplate } from '../templates/compile-template.js';
import type { TemplateContent } from '../templates/templates.postgres.js';
import { LinkTokens } from '../tracking/link-token.js';
import { MailLinks } from '../tracking/mail-links.js';
import { TrackingEvents } from '../tracking/tracking-events.js';
import { type DeliveryDatabase, WORKSPACE } from './delivery-database.js';

export const SECRET = 'a-secret-for-tests-of-at-least-32-characters';

let offsets = 0;

/** Delivery without its Nest shell: the stage, one or several senders, and what was published. */
export class DeliveryHarness {
  readonly records: OutRecord[] = [];
  readonly inlet: InletMessage[] = [];
  readonly outbox: Outbox;
  readonly sends: Sends;
  readonly sentMessages: SentMessages;
  readonly tokens = new LinkTokens([SECRET]);
  readonly links = new MailLinks(this.tokens, 'http://mail.example');
  readonly metrics = new DeliveryMetrics(new Registry());
  readonly suppressions: Suppressions;
  readonly tracking: TrackingEvents;
  readonly stage: ChangesStage;
  readonly #leases: OwnerLease[] = [];

  private constructor(
    readonly database: DeliveryDatabase,
    readonly definitions: Definitions,
  ) {
    const { pool } = database;
    this.outbox = new Outbox(pool);
    this.sends = new Sends(pool, this.outbox);
    this.sentMessages = new SentMessages(pool);
    this.suppressions = new Suppressions(pool);
    this.tracking = new TrackingEvents({ pool, messages: this.sentMessages, outbox: this.outbox, suppressions: this.suppressions, metrics: this.metrics, onEvents: () => undefined });
    this.stage = new ChangesStage(new AutomationCache(pool), () => undefined);
  }

  static async open(database: DeliveryDatabase): Promise<DeliveryHarness> {
    return new DeliveryHarness(database, await Definitions.open(database.url));
  }

  async close(): Promise<void> {
    for (const lease of this.#leases) lease.release();
    await this.definitions.close();
  }

  /** A process that sends, with a lease of its own. */
  async sender(provider: MailProvider): Promise<{ sender: Sender; lease: OwnerLease }> {
    const lease = new OwnerLease(this.database.pool);
    this.#leases.push(lease);
    await lease.hold();
    const sender = new Sender({
      sends: this.sends, templates: this.definitions.templates, recipients: new RecipientDirectory(this.database.pool), gate: new SendGate(this.database.pool),
      suppressions: this.suppressions, provider, links: this.links, lease, metrics: this.metrics, onDecided: () => undefined, concurrency: 4,
    });
    return { sender, lease };
  }

  async addTemplate(over: Partial<TemplateContent> & { readonly key?: string } = {}): Promise<string> {
    const { key = `t-${randomUUID()}`, ...rest } = over;
    const content = { name: 'T', format: 'html' as const, language: 'liquid' as const, subject: 'Hi {{ profile.firstName }}', preheader: null, body: '<p>Hi {{ profile.firstName }}</p>', text: null, required: [], ...rest };
    await this.definitions.templates.create(WORKSPACE, key, { ...content, ...(await compileTemplate(content)) }, Date.now());
    return key;
  }

  async addAutomation(over: Partial<AutomationContent> & { readonly key?: string; readonly createdMs?: number } = {}): Promise<string> {
    const { key = `a-${randomUUID()}`, createdMs = 0, template, ...rest } = over;
    const content: AutomationContent = { segment: 'vip', on: 'entered', template: template ?? (await this.addTemplate()), purpose: 'email_marketing', once: false, includeExisting: false, ...rest };
    await this.definitions.automations.create(WORKSPACE, key, content, createdMs);
    return key;
  }

  /** Lets the stage decide over these changes and commits what it says, as the line would. */
  async change(...changes: readonly SegmentChange[]): Promise<readonly string[]> {
    return this.#decide(changes.map(toRecord));
  }

  /** The same, of a change whose record belongs to a trace. */
  async changeTraced(traceparent: string, change: SegmentChange): Promise<readonly string[]> {
    const record = toRecord(change);
    return this.#decide([{ ...record, headers: { ...record.headers, traceparent } }]);
  }

  async #decide(records: readonly LogRecord[]): Promise<readonly string[]> {
    const { endings, writes = [], afterCommit } = await this.stage.decide(records);
    if (writes.length > 0) await this.database.commit(writes);
    afterCommit?.();
    return endings.map((ending) => ('reason' in ending ? ending.reason : ending.ending));
  }

  /** Decisions about a profile, newest first. */
  async decisions(profileId: string): Promise<SentMessage[]> {
    return (await this.sentMessages.list({ workspace: WORKSPACE, profileId, automation: null, limit: 100, before: null })).messages;
  }

  /** Publishes what waits in the outbox into `records` and `inlet`. */
  async publish(): Promise<void> {
    const publisher = new OutboxPublisher(
      this.outbox,
      { send: async (records) => void this.records.push(...records) },
      { write: async (messages) => void this.inlet.push(...messages) },
      4,
    );
    publisher.start();
    await publisher.stop();
  }
}

export function aChange(profileId: string, over: Partial<SegmentChange> = {}): SegmentChange {
  return {
    workspace: WORKSPACE, profileId, identifiers: [], segment: 'vip', change: 'entered', effectiveAt: '2026-03-01T10:00:00.000Z',
    processedAt: '2026-03-01T10:00:00.005Z', cause: 'event', definitionVersion: 1, sequence: 1, reason: { nodes: [] }, ...over,
  };
}

export function toRecord(value: unknown): LogRecord {
  offsets += 1;
  return { topic: 'segments.changed', partition: 0, offset: offsets, timestampMs: 0, key: null, value: Buffer.from(JSON.stringify(value)), headers: {} };
}
