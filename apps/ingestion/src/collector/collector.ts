import { inboundEvents } from '@tributary/contracts/topics/inbound-events';
import type { KeyDirectory, KeyOwner } from '@tributary/service/key-directory';
import { Problem, unauthorized } from '@tributary/service/problem';
import type { RateLimit } from '@tributary/service/rate-limit';
import { signReceipt } from '../read-record.js';
import { type CollectedEvent, collectEvent, collectEvents, type EventError } from './collect-events.js';
import type { InletQueue } from './inlet-queue.js';

export const BATCH_EVENTS_MAX = 1_000;

/** A request as the door gives it. */
export interface CollectorCall {
  /** `batch`, or the type of the one event. */
  readonly call: string;
  readonly authorization: string | undefined;
  readonly traceparent: string | undefined;
  readonly body: Buffer;
}

export interface CollectorAnswer {
  readonly success: true;
  readonly errors?: readonly EventError[];
}

type Fields = { readonly [key: string]: unknown };

export interface CollectorParts {
  readonly keys: KeyDirectory;
  readonly queue: InletQueue;
  /** Of the events of one write key. */
  readonly limit: RateLimit;
  readonly secret: string;
}

/** Takes events in over HTTP: checks them, and answers once the broker has them. */
export class Collector {
  constructor(private readonly parts: CollectorParts, private readonly now: () => number = Date.now) {}

  /** @throws Problem 400, 401, 413, 429 or 503 */
  async collect(request: CollectorCall): Promise<CollectorAnswer> {
    const receivedAt = String(this.now());
    const shown = request.authorization === undefined ? undefined : await this.#authorize(basicUser(request.authorization));
    const body = parseBody(request.body);
    const { key: writeKey, owner } = shown ?? (await this.#authorize(body['writeKey']));
    this.parts.limit.take(`${owner.workspace}/${owner.source}`, countEvents(request.call, body));
    const { collected, errors } = request.call === 'batch' ? collectBatch(body) : collectOne(request.call, body);
    const headers = {
      'write-key': writeKey,
      'received-at': receivedAt,
      'received-signature': signReceipt(this.parts.secret, receivedAt, writeKey),
      ...(request.traceparent === undefined ? {} : { traceparent: request.traceparent }),
    };
    await this.parts.queue.append(collected.map(({ key, value }) => ({ topic: inboundEvents.name, key: Buffer.from(key), value, headers })));
    return errors.length === 0 ? { success: true } : { success: true, errors };
  }

  async #authorize(key: unknown): Promise<{ readonly key: string; readonly owner: KeyOwner }> {
    if (typeof key !== 'string' || key === '' || key.length > KEY_LENGTH_MAX) throw unauthorized();
    const owner = await this.parts.keys.find(key, 'write');
    if (owner === null) throw unauthorized();
    return { key, owner };
  }
}

const KEY_LENGTH_MAX = 256;

/** What a request costs its key; a malformed one costs as much as one event. */
function countEvents(call: string, { batch }: Fields): number {
  return call === 'batch' && Array.isArray(batch) ? Math.max(1, batch.length) : 1;
}

function collectBatch(body: Fields): { collected: CollectedEvent[]; errors: EventError[] } {
  const { batch, sentAt, context } = body;
  if (!Array.isArray(batch)) throw new Problem(400, 'malformed_batch', 'Send {"batch": [event, …]}.');
  if (batch.length > BATCH_EVENTS_MAX) throw new Problem(413, 'too_large', `A batch has at most ${BATCH_EVENTS_MAX} events. Send smaller batches.`);
  return collectEvents(batch, { sentAt, context });
}

/** The address says the type. */
function collectOne(type: string, body: Fields): { collected: CollectedEvent[]; errors: EventError[] } {
  const outcome = collectEvent({ ...body, type }, {});
  if ('refused' in outcome) throw new Problem(400, outcome.refused, outcome.message);
  return { collected: [outcome], errors: [] };
}

function parseBody(bytes: Buffer): Fields {
  let body: unknown;
  try {
    body = JSON.parse(UTF8.decode(bytes));
  } catch {
    throw new Problem(400, 'malformed_json', 'The body must be JSON in UTF-8.');
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new Problem(400, 'not_an_object', 'The body must be a JSON object.');
  return body as Fields;
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

function basicUser(authorization: string): string | null {
  const match = /^Basic ([A-Za-z0-9+/=_-]{1,512})$/i.exec(authorization);
  if (match === null) return null;
  const [user = ''] = Buffer.from(match[1] as string, 'base64').toString().split(':');
  return user;
}
