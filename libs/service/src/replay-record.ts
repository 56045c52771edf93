import type { EntryHeader } from '@tributary/contracts/entry';
import { inboundEvents } from '@tributary/contracts/topics/inbound-events';
import type { LogRecord, OutRecord } from '@tributary/stream/stage';
import { signInternal } from './inlet-writer.js';
import { equalSecrets, sign } from './secrets.js';

/** Why a parked record cannot be sent through again. */
export type Unreplayable = 'no_bytes' | 'no_entry' | 'kind_of_entry' | 'body_is_no_json_object';

/** What parking added to a record's own headers. */
const PARKING_HEADERS = ['stage', 'reason', 'origin-topic', 'origin-partition', 'origin-offset', 'origin-appended-at', 'entry', 'workspace', 'timer'];

/**
 * The record of `inbound.events` that sends a parked one through again, once. What ingestion set aside comes as it came,
 * at its old place and time. What a later stage set aside was accepted long ago: it comes as a message of ours, with its
 * event time and message id, and is counted once by where it was set aside.
 * @param repaired a body to use instead of the parked one
 */
export function replayRecord(parked: LogRecord, secret: string, repaired?: Buffer): OutRecord | Unreplayable {
  const value = repaired ?? parked.value;
  if (value === null || value.length === 0) return 'no_bytes';
  return parked.headers['stage'] === 'ingestion' ? replayRefused(parked, value, secret) : replayEntry(parked, value, { secret, isRepaired: repaired !== undefined });
}

function replayRefused(parked: LogRecord, value: Buffer, secret: string): OutRecord {
  const { key, headers } = parked;
  const own = Object.fromEntries(Object.entries(headers).filter(([name]) => !PARKING_HEADERS.includes(name) || (name === 'workspace' && headers['internal-signature'] !== undefined)));
  const appendedAt = headers['origin-appended-at'];
  // Without a receipt of the collector the append time was the receipt, and an event without a timestamp is as old as that.
  const isReceived = own['received-at'] !== undefined || appendedAt === undefined;
  return {
    topic: inboundEvents.name,
    key,
    value,
    headers: {
      ...own,
      ...(isReceived ? {} : { 'received-at': appendedAt, 'received-signature': sign(secret, 'receipt', appendedAt, own['write-key'] ?? '') }),
      ...(own['internal-signature'] === undefined ? {} : { 'internal-signature': signInternal(secret, own['workspace'] ?? '', own['profile-id'], value) }),
      // A replay that ingestion set aside stays the replay that it was.
      ...signReplay(secret, readReplay(parked, secret) ?? `ingestion:${headers['origin-partition']}:${headers['origin-offset']}`, value),
    },
  };
}

function replayEntry({ headers }: LogRecord, body: Buffer, { secret, isRepaired }: { readonly secret: string; readonly isRepaired: boolean }): OutRecord | Unreplayable {
  const entry = headers['entry'] === undefined ? null : (JSON.parse(headers['entry']) as EntryHeader);
  if (entry === null) return 'no_entry';
  if (entry.kind !== 'event') return 'kind_of_entry';
  const message = parseObject(body);
  if (message === null) return 'body_is_no_json_object';
  // Its time has been corrected by sentAt already; who repaired the body may have repaired the time, which then counts.
  const { sentAt: _, timestamp: stated, ...rest } = message;
  const timestamp = isRepaired && stated !== undefined ? stated : new Date(entry.timestampMs).toISOString();
  const value = Buffer.from(JSON.stringify({ ...rest, messageId: entry.messageId, timestamp }));
  return {
    topic: inboundEvents.name,
    key: Buffer.from(entry.profileId),
    value,
    headers: {
      workspace: entry.workspace,
      'profile-id': entry.profileId,
      'internal-signature': signInternal(secret, entry.workspace, entry.profileId, value),
      ...(entry.traceparent === undefined ? {} : { traceparent: entry.traceparent }),
      ...signReplay(secret, `${headers['stage']}:${headers['origin-partition']}:${entry.source}:${entry.offset}`, value),
    },
  };
}

function signReplay(secret: string, id: string, value: Buffer): { readonly replay: string; readonly 'replay-signature': string } {
  return { replay: id, 'replay-signature': sign(secret, 'replay', id, value) };
}

/** Where a record was set aside before; null for one that was not, or whose signature is wrong. */
export function readReplay({ headers, value }: LogRecord, secret: string): string | null {
  const { replay, 'replay-signature': signature } = headers;
  if (replay === undefined || signature === undefined || value === null) return null;
  return equalSecrets(signature, sign(secret, 'replay', replay, value)) ? replay : null;
}

function parseObject(bytes: Buffer): { [field: string]: unknown } | null {
  try {
    const parsed: unknown = JSON.parse(bytes.toString());
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as { [field: string]: unknown }) : null;
  } catch {
    return null;
  }
}
