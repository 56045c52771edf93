import { inboundEvents } from '@tributary/contracts/topics/inbound-events';
import type { Log } from '@tributary/stream/log';
import type { OutRecord } from '@tributary/stream/stage';
import { sign } from './secrets.js';

/** What a service has to say about a person, to be taken in like any other event. */
export interface InletMessage {
  readonly workspace: string;
  /** Names the person directly; without it the message's identifiers do, and may make a profile. */
  readonly profileId?: string;
  /** Messages of one key keep their order. */
  readonly key: string;
  readonly message: SegmentMessage;
}

/** A Segment-spec event. Sent again after a failure, it must have the same messageId. */
export interface SegmentMessage {
  readonly type: string;
  readonly messageId: string;
  /** ISO 8601. */
  readonly timestamp: string;
  readonly [field: string]: unknown;
}

/**
 * How a service tells something through the front door: signed Segment-spec messages in `inbound.events`. They have a
 * place in the log, are de-duplicated by message id, and are trusted as a server's.
 */
export class InletWriter {
  constructor(private readonly log: Log, private readonly secret: string) {}

  /** Resolves once the broker has all of them. At least once: on an error some may have been written. */
  async write(messages: readonly InletMessage[]): Promise<void> {
    if (messages.length === 0) return;
    const producer = await this.log.producer();
    await producer.send(messages.map((message) => inletRecord(message, this.secret)));
  }
}

/** The record of a message, for stages that send it through their outbox. */
export function inletRecord({ workspace, profileId, key, message }: InletMessage, secret: string): OutRecord {
  const value = Buffer.from(JSON.stringify(message));
  return {
    topic: inboundEvents.name,
    key: Buffer.from(key),
    value,
    headers: {
      workspace,
      ...(profileId === undefined ? {} : { 'profile-id': profileId }),
      'internal-signature': signInternal(secret, workspace, profileId, value),
    },
  };
}

/** What makes an internal message believable: only who has the installation's secret can say it. */
export function signInternal(secret: string, workspace: string, profileId: string | undefined, value: Buffer): string {
  return sign(secret, 'message', workspace, profileId ?? '', value);
}
