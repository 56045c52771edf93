import type { Pool } from '@tributary/postgres/pool';
import type { InletWriter } from '@tributary/service/inlet-writer';
import type { LogProducer } from '@tributary/stream/log';
import { type DeliveryConfig, publicUrlOf, smtpUrlOf } from './delivery.config.js';
import { DeliveryMetrics } from './sends/delivery-metrics.js';
import type { MailProvider } from './sends/mail-provider.js';
import { Outbox } from './sends/outbox.postgres.js';
import { OutboxPublisher } from './sends/outbox-publisher.js';
import { OwnerLease } from './sends/owner-lease.js';
import { RecipientDirectory } from './sends/recipient-directory.postgres.js';
import { Sender } from './sends/sender.js';
import { SendGate } from './sends/send-gate.postgres.js';
import { SendLoop } from './sends/send-loop.js';
import { Sends } from './sends/sends.postgres.js';
import { SentMessages } from './sends/sent-messages.postgres.js';
import { SmtpProvider } from './sends/smtp-provider.js';
import { Suppressions } from './sends/suppressions.postgres.js';
import type { TemplateStore } from './templates/templates.postgres.js';
import { LinkTokens } from './tracking/link-token.js';
import { MailLinks } from './tracking/mail-links.js';
import { TrackingEvents } from './tracking/tracking-events.js';

export interface DeliveryPartsOptions {
  readonly config: DeliveryConfig;
  readonly pool: Pool;
  readonly templates: Pick<TemplateStore, 'findMany'>;
  readonly producer: LogProducer;
  readonly inlet: Pick<InletWriter, 'write'>;
}

/** Everything between a claim and a published decision, put together. */
export class DeliveryParts {
  readonly tokens: LinkTokens;
  readonly links: MailLinks;
  readonly recipients: RecipientDirectory;
  readonly sentMessages: SentMessages;
  readonly tracking: TrackingEvents;
  readonly sendLoop: SendLoop;
  readonly #provider: MailProvider;
  readonly #publisher: OutboxPublisher;

  constructor({ config, pool, templates, producer, inlet }: DeliveryPartsOptions) {
    const metrics = new DeliveryMetrics();
    const outbox = new Outbox(pool);
    const suppressions = new Suppressions(pool);
    const sends = new Sends(pool, outbox);
    const lease = new OwnerLease(pool);
    const concurrency = config.SEND_CONCURRENCY;
    this.#publisher = new OutboxPublisher(outbox, producer, inlet, config.PARTITIONS);
    const publish = (): void => this.#publisher.wake();
    this.tokens = new LinkTokens([config.TRIBUTARY_SECRET, ...config.TRIBUTARY_SECRET_PREVIOUS]);
    this.links = new MailLinks(this.tokens, publicUrlOf(config));
    this.recipients = new RecipientDirectory(pool);
    this.sentMessages = new SentMessages(pool);
    this.tracking = new TrackingEvents({ pool, messages: this.sentMessages, outbox, suppressions, metrics, onEvents: publish });
    this.#provider = new SmtpProvider({ url: smtpUrlOf(config), from: config.MAIL_FROM, connectionsMax: concurrency });
    const sender = new Sender({
      sends, templates, suppressions, lease, metrics, concurrency,
      recipients: this.recipients, gate: new SendGate(pool), provider: this.#provider, links: this.links, onDecided: publish,
    });
    this.sendLoop = new SendLoop(sender, sends, lease);
  }

  start(): void {
    this.sendLoop.start();
    this.#publisher.start();
  }

  /** The mails in hand are handed over and recorded first. */
  async stop(): Promise<void> {
    await this.sendLoop.stop();
    await this.#publisher.stop();
    this.#provider.close();
  }
}
