import { setTimeout } from 'node:timers/promises';
import { classifyFailure, retryAtMs } from '@tributary/domain/delivery/classify-failure';
import { decideSend } from '@tributary/domain/delivery/decide-send';
import { log } from '@tributary/service/log';
import type { TemplateStore } from '../templates/templates.postgres.js';
import { bouncedEvent, deliveredEvent, type SendRef } from '../tracking/engagement-event.js';
import type { MailLinks } from '../tracking/mail-links.js';
import type { DeliveryMetrics } from './delivery-metrics.js';
import type { Mail, MailProvider } from './mail-provider.js';
import type { OwnerLease } from './owner-lease.js';
import { prepareSend, type SendContext } from './prepare-send.js';
import type { RecipientDirectory } from './recipient-directory.postgres.js';
import type { GateQuestion, SendGate } from './send-gate.postgres.js';
import type { DecidedSend, Send, Sends } from './sends.postgres.js';
import type { Suppressions } from './suppressions.postgres.js';

export interface SenderParts {
  readonly sends: Sends;
  readonly templates: Pick<TemplateStore, 'findMany'>;
  readonly recipients: RecipientDirectory;
  readonly gate: SendGate;
  readonly suppressions: Suppressions;
  readonly provider: MailProvider;
  readonly links: MailLinks;
  readonly lease: OwnerLease;
  readonly metrics: DeliveryMetrics;
  /** Called after decisions were committed, which must now be published. */
  readonly onDecided: () => void;
  readonly concurrency: number;
}

const BATCH_MAX = 64;
/** The database may be restarted between a hand-over and its record. */
const DECIDE_TRIES_MAX = 60;
const DECIDE_AGAIN_MS = 500;
/** The server as a whole is away: no mail is tried for this long. */
const SERVER_AWAY_MS = 2_000;

/**
 * Turns claims into mails. A mail is handed over only after it is committed that it may be on its way, and after consent
 * and suppression have been asked once more; so a crash never sends twice, and a withdrawal counts to the last moment.
 */
export class Sender {
  /** Handed over, or about to be, and not yet decided. */
  readonly #mayHaveLeft = new Set<string>();

  constructor(private readonly parts: SenderParts) {}

  /** Works off one batch of due claims. @returns how many there were */
  async sendBatch(): Promise<number> {
    const { sends, lease } = this.parts;
    const batch = await sends.take(lease.owner, BATCH_MAX, Date.now());
    if (batch.length === 0) return 0;
    const contexts = await this.#load(batch);
    const gates = await this.parts.gate.look(contexts.map(questionOf));
    const mails: { context: SendContext; mail: Mail }[] = [];
    const refused: DecidedSend[] = [];
    contexts.forEach((context, index) => {
      const prepared = prepareSend(context, gates[index] as (typeof gates)[number], this.parts.links);
      if (prepared.prepared === 'mail') mails.push({ context, mail: prepared.mail });
      else refused.push({ send: context.send, reason: prepared.reason, atMs: Date.now() });
    });
    await this.#decide(refused);
    await this.#handOverAll(mails);
    return batch.length;
  }

  /** After a batch has failed: what has not left goes back; what may have left and was not decided has an unknown outcome. */
  async recover(): Promise<void> {
    await this.parts.sends.recover(this.parts.lease.owner, Date.now(), ({ id }) => this.#mayHaveLeft.has(id));
    this.#mayHaveLeft.clear();
    this.parts.onDecided();
  }

  async #load(batch: readonly Send[]): Promise<SendContext[]> {
    const { templates, recipients, suppressions } = this.parts;
    const [found, people] = await Promise.all([
      templates.findMany(batch.map(({ workspace, template }) => ({ workspace, key: template }))),
      recipients.find(batch.map(({ workspace, profileId, change }) => ({ workspace, profileId, event: change.event }))),
    ]);
    return Promise.all(
      batch.map(async (send, index) => {
        const recipient = people[index] ?? null;
        const address = recipient?.address;
        const addressHash = address?.kind === 'valid' ? await suppressions.hash(send.workspace, address.address) : null;
        return { send, template: found[index] ?? null, recipient, addressHash };
      }),
    );
  }

  /** A few at a time; when the server turns out to be away, the rest goes back untried. */
  async #handOverAll(mails: readonly { context: SendContext; mail: Mail }[]): Promise<void> {
    let next = 0;
    let isServerAway = false;
    const work = async (): Promise<void> => {
      while (next < mails.length && !isServerAway) {
        const { context, mail } = mails[next++] as (typeof mails)[number];
        if ((await this.#handOver(context, mail)) === 'server_away') isServerAway = true;
      }
    };
    const results = await Promise.allSettled(Array.from({ length: Math.min(this.parts.concurrency, mails.length) }, work));
    const untried = mails.slice(next).map(({ context }) => context.send.id);
    if (untried.length > 0) await this.parts.sends.release(this.parts.lease.owner, untried, Date.now() + (isServerAway ? SERVER_AWAY_MS : 0));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  async #handOver(context: SendContext, mail: Mail): Promise<'done' | 'server_away'> {
    const { sends, lease, provider, gate } = this.parts;
    const { send, recipient } = context;
    const question = questionOf(context);
    const marked = await sends.markAttempting(send, lease.owner, question.recipientId, context.addressHash as Buffer);
    if (marked === 'lost') return 'done';
    if (marked === 'duplicate') return this.#decideOne({ send, reason: 'duplicate', atMs: Date.now() });
    const [facts] = await gate.look([question]);
    const decision = decideSend({ ...(facts as NonNullable<typeof facts>), purpose: send.purpose, address: (recipient as { address: SendContextAddress }).address, missing: [] });
    if (decision.decision === 'not_sent') return this.#decideOne({ send, reason: decision.reason, atMs: Date.now() });
    const startedMs = Date.now();
    this.#mayHaveLeft.add(send.id);
    const result = await provider.send(mail);
    const atMs = Date.now();
    this.parts.metrics.handOverMs(atMs - startedMs);
    const ref: SendRef = { ...send, profileId: question.recipientId };
    if (result.handOver === 'accepted') return this.#decideOne({ send, reason: 'sent', atMs, events: [deliveredEvent(ref, atMs)] });
    return this.#decideFailure(context, ref, classifyFailure(result.failure), atMs);
  }

  async #decideFailure({ send, addressHash }: SendContext, ref: SendRef, failure: ReturnType<typeof classifyFailure>, atMs: number): Promise<'done' | 'server_away'> {
    if (failure.outcome === 'unknown') return this.#decideOne({ send, reason: 'outcome_unknown', atMs });
    if (failure.outcome === 'refused') {
      const suppression = { ...ref, addressHash: addressHash as Buffer, purpose: '*', reason: 'hard_bounce' as const, sendId: send.id, atMs };
      const bounced = failure.suppress ? { events: [bouncedEvent(ref, atMs)], writes: [this.parts.suppressions.add(suppression)] } : {};
      return this.#decideOne({ send, reason: 'provider_refused', atMs, ...bounced });
    }
    const nextMs = retryAtMs(send.attempts + 1, send.claimedMs, atMs);
    if (nextMs === null) return this.#decideOne({ send, reason: 'provider_unavailable', atMs });
    await this.parts.sends.release(this.parts.lease.owner, [send.id], nextMs);
    this.#mayHaveLeft.delete(send.id);
    this.parts.metrics.retried();
    if (failure.all) log.warn({ sendId: send.id }, 'the mail server is away or puts us off; mails wait');
    return failure.all ? 'server_away' : 'done';
  }

  async #decideOne(decided: DecidedSend): Promise<'done'> {
    await this.#decide([decided]);
    return 'done';
  }

  async #decide(decided: readonly DecidedSend[]): Promise<void> {
    if (decided.length === 0) return;
    await patiently(() => this.parts.sends.decide(this.parts.lease.owner, decided));
    for (const { send, reason } of decided) {
      this.#mayHaveLeft.delete(send.id);
      this.parts.metrics.decided(reason);
    }
    this.parts.onDecided();
  }
}

async function patiently(work: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (tries >= DECIDE_TRIES_MAX) throw error;
      log.warn({ err: error, tries }, 'a decision could not be stored yet');
      await setTimeout(DECIDE_AGAIN_MS);
    }
  }
}

type SendContextAddress = NonNullable<SendContext['recipient']>['address'];

function questionOf({ send, recipient, addressHash }: SendContext): GateQuestion {
  return { workspace: send.workspace, purpose: send.purpose, profileId: send.profileId, recipientId: recipient?.profileId ?? send.profileId, addressHash };
}
