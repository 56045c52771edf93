import { isUtf8 } from 'node:buffer';
import type { Transfer } from '@tributary/contracts/transfer';
import { checkStorable } from '@tributary/domain/ingestion/check-storable';
import { COMPLETION_BYTES_MAX, EVENT_BYTES_MAX, MESSAGE_ID_LENGTH_MAX } from '@tributary/domain/ingestion/limits';
import { isCloudEvent, isVersion1, openCloudEvent } from '@tributary/domain/ingestion/read-cloud-event';
import { type EventFacts, readEvent } from '@tributary/domain/ingestion/read-event';
import type { RefusalCode } from '@tributary/domain/ingestion/refusal';
import { signInternal } from '@tributary/service/inlet-writer';
import { readReplay } from '@tributary/service/replay-record';
import { equalSecrets, sign } from '@tributary/service/secrets';
import type { LogRecord } from '@tributary/stream/stage';
import type { SenderRef } from './sender-directory.js';

/** Why a record of the inlet is set aside. */
export type ParkReason =
  | RefusalCode
  | 'empty'
  | 'no_key'
  | 'unknown_key'
  | 'forged_signature'
  | 'malformed_cloud_event'
  | 'malformed_transfer'
  | 'unknown_profile';

export interface EventReading {
  readonly is: 'event';
  readonly sender: SenderRef;
  /** The profile, where one of our services named it. */
  readonly profileId: string | null;
  readonly facts: EventFacts;
  readonly messageId: string;
  /** Where a later stage had set it aside, when it comes a second time: it was accepted then, and counts once by this. */
  readonly replay: string | null;
  readonly receivedMs: number;
  readonly body: Buffer;
}

export interface TransferReading {
  readonly is: 'transfer';
  readonly sender: SenderRef;
  readonly transfer: Transfer;
  readonly messageId: string;
  readonly body: Buffer;
}

export type Reading = EventReading | TransferReading | { readonly is: 'tick' } | { readonly is: 'unfit'; readonly reason: ParkReason };

export interface ReadRecordOptions {
  readonly secret: string;
  readonly trustSourceId: boolean;
}

/** Reads records of `inbound.events` in all their forms. The body is parsed once, here. */
export class RecordReader {
  /** Receipts whose signature was right: one serves all events of a request. */
  readonly #receipts = new Set<string>();

  constructor(private readonly options: ReadRecordOptions) {}

  read(record: LogRecord): Reading {
    const { value, headers } = record;
    if (headers['control'] === 'tick') return { is: 'tick' };
    if (value === null || value.length === 0) return unfit('empty');
    const sender = this.#readSender(record, value);
    if (typeof sender === 'string') return unfit(sender);
    if (headers['control'] === 'transfer') return this.#readTransfer(record, value, sender);
    return this.#readEvent(record, value, sender);
  }

  #readSender({ headers }: LogRecord, value: Buffer): SenderRef | ParkReason {
    const signature = headers['internal-signature'];
    if (signature !== undefined) {
      const workspace = headers['workspace'] ?? '';
      const expected = signInternal(this.options.secret, workspace, headers['profile-id'], value);
      return equalSecrets(signature, expected) ? { by: 'workspace', workspace } : 'forged_signature';
    }
    if (headers['control'] === 'transfer') return 'forged_signature';
    const key = headers['write-key'];
    if (key !== undefined && key !== '') return { by: 'key', key };
    const id = headers['source-id'];
    if (!this.options.trustSourceId || id === undefined) return 'no_key';
    return SOURCE_ID.test(id) ? { by: 'source', id } : 'unknown_key';
  }

  #readTransfer({ headers }: LogRecord, body: Buffer, sender: SenderRef): Reading {
    const transfer = parse(body.toString()) as Transfer | undefined;
    const messageId = headers['message-id'];
    if (typeof transfer?.survivor !== 'string' || typeof transfer.loser !== 'string' || !messageId || !UUID.test(transfer.survivor)) {
      return unfit('malformed_transfer');
    }
    return { is: 'transfer', sender, transfer, messageId, body };
  }

  #readEvent(record: LogRecord, value: Buffer, sender: SenderRef): Reading {
    const { headers } = record;
    const isOurs = sender.by === 'workspace';
    const receipt = this.#readReceipt(headers);
    // What the collector has judged it may have completed with an id and the batch's time.
    const bytesMax = EVENT_BYTES_MAX + (isOurs || receipt !== null ? COMPLETION_BYTES_MAX : 0);
    const opened = openEnvelope(value, headers);
    if ('reason' in opened) return opened;
    const { text, data, body, id, time } = opened;
    if (body.length > bytesMax) return unfit('event_too_large');
    const unstorable = checkStorable(text);
    if (unstorable !== null) return unfit(unstorable.refused);
    const profileId = isOurs ? (headers['profile-id'] ?? null) : null;
    if (profileId !== null && !UUID.test(profileId)) return unfit('unknown_profile');
    const facts = readEvent(data, { isNamed: profileId !== null, timestamp: time ?? undefined });
    if ('refused' in facts) return unfit(facts.refused);
    const replay = readReplay(record, this.options.secret);
    const isOurParking = replay?.startsWith('ingestion:') === true;
    const place = isOurParking ? replay.slice('ingestion:'.length) : `${record.partition}:${record.offset}`;
    const messageId = facts.messageId ?? id ?? `${record.topic}:${place}`;
    return { is: 'event', sender, profileId, facts, messageId, replay: isOurParking || profileId === null ? null : replay, receivedMs: receipt ?? record.timestampMs, body };
  }

  /** The collector's clock, which only the collector can sign. */
  #readReceipt(headers: LogRecord['headers']): number | null {
    const at = headers['received-at'];
    const signature = headers['received-signature'];
    if (at === undefined || signature === undefined) return null;
    const key = headers['write-key'] ?? '';
    const receipt = `${at} ${signature} ${key}`;
    if (!this.#receipts.has(receipt)) {
      if (!equalSecrets(signature, signReceipt(this.options.secret, at, key))) return null;
      if (this.#receipts.size >= RECEIPTS_MAX) this.#receipts.clear();
      this.#receipts.add(receipt);
    }
    return Number(at);
  }
}

/** @param receivedAt the collector's clock, epoch ms in digits */
export function signReceipt(secret: string, receivedAt: string, writeKey: string): string {
  return sign(secret, 'receipt', receivedAt, writeKey);
}

const RECEIPTS_MAX = 1_000;
const SOURCE_ID = /^[\w-]{1,100}\/[a-z0-9-]{1,100}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** An envelope may hold its event as base64, and texts with every character escaped. */
const ENVELOPE_BYTES_MAX = 8 * EVENT_BYTES_MAX;

interface Opened {
  readonly data: unknown;
  /** JSON of the event. */
  readonly text: string;
  readonly body: Buffer;
  readonly id: string | null;
  readonly time: string | null;
}

type Unfit = { readonly is: 'unfit'; readonly reason: ParkReason };

function openEnvelope(value: Buffer, headers: LogRecord['headers']): Opened | Unfit {
  if (value.length > ENVELOPE_BYTES_MAX) return unfit('event_too_large');
  if (!isUtf8(value)) return unfit('malformed_json');
  const text = value.toString();
  const data = parse(text);
  if (data === undefined) return unfit('malformed_json');
  if (headers['ce_specversion'] !== undefined) {
    if (!isVersion1(headers['ce_specversion'])) return unfit('malformed_cloud_event');
    return { data, text, body: value, id: fit(headers['ce_id']), time: headers['ce_time'] || null };
  }
  const isDeclared = headers['content-type']?.startsWith('application/cloudevents+json') === true;
  if (!isDeclared && !isCloudEvent(data)) return { data, text, body: value, id: null, time: null };
  const opened = isCloudEvent(data) ? openCloudEvent(data, decodeBase64) : null;
  if (opened === null) return unfit('malformed_cloud_event');
  return { ...opened, body: Buffer.from(opened.text), id: fit(opened.id) };
}

/** An envelope's id that cannot be a message id makes none: the record's place does. */
function fit(id: string | null | undefined): string | null {
  return id && id.length <= MESSAGE_ID_LENGTH_MAX && !id.includes('\0') && id.isWellFormed() ? id : null;
}

function decodeBase64(text: string): string {
  const bytes = Buffer.from(text, 'base64');
  if (!isUtf8(bytes)) throw new Error('not UTF-8');
  return bytes.toString();
}

/** undefined for what is no JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unfit(reason: ParkReason): Unfit {
  return { is: 'unfit', reason };
}
