import type { Entry } from '@tributary/contracts/entry';
import { decodeFrame } from '@tributary/stream/frame';
import type { LogRecord } from '@tributary/stream/stage';

/** An event as pages see it. Instants are ISO 8601. */
export interface LiveEvent {
  readonly profileId: string;
  readonly type: string;
  readonly name: string;
  readonly messageId: string;
  readonly timestamp: string;
  /** When the log got to know it. */
  readonly appendedAt: string;
  /** The event as it was sent, or null where it is larger than what live views carry. */
  readonly body: { readonly [field: string]: unknown } | null;
}

/** Larger bodies are not kept for live views: the person's own timeline has them. */
const BODY_BYTES_MAX = 8_192;

/** The events in a frame. Bodies are copied: a view would hold on to the whole batch of the log. */
export function readEntries(record: LogRecord): Entry[] {
  if (record.value === null) return [];
  return decodeFrame(record.value)
    .entries.filter((entry) => entry.kind === 'event')
    .map((entry) => ({ ...entry, body: entry.body.length > BODY_BYTES_MAX ? Buffer.alloc(0) : Buffer.from(entry.body) }));
}

/** `userId:42` */
const REFERENCE = /^([A-Za-z][A-Za-z0-9_-]*):(.+)$/;

/** Whether an event is of this name, type or person (`userId:42`), or says this text anywhere; an empty text matches all. */
export function entryMatches(entry: Entry, text: string): boolean {
  if (text === '') return true;
  const needle = text.toLowerCase();
  if (entry.name.toLowerCase().includes(needle) || entry.type === needle || entry.profileId === needle) return true;
  const [, type, value] = REFERENCE.exec(text) ?? [];
  if (type === undefined || value === undefined) return entry.body.includes(text);
  // Parsing is for the few that may match; addresses are compared without case.
  return (entry.body.includes(value) || entry.body.includes(value.toLowerCase())) && identifies(parse(entry.body), type, value);
}

export function presentEvent(entry: Entry): LiveEvent {
  return {
    profileId: entry.profileId,
    type: entry.type,
    name: entry.name,
    messageId: entry.messageId,
    timestamp: new Date(entry.timestampMs).toISOString(),
    appendedAt: new Date(entry.appendedAtMs).toISOString(),
    body: parse(entry.body),
  };
}

/** When the newest event became known, epoch ms. */
export function newestOf(entries: readonly Entry[]): { newestMs?: number } {
  return entries.length === 0 ? {} : { newestMs: entries.reduce((newest, { appendedAtMs }) => Math.max(newest, appendedAtMs), 0) };
}

/** Whether the event says of its person that this identifier is theirs, at any of the places of the Segment spec. */
function identifies(body: LiveEvent['body'], type: string, value: string): boolean {
  const { traits, context } = (body ?? {}) as { traits?: unknown; context?: { traits?: unknown } };
  return [body, traits, context?.traits].some((place) => {
    const found = (place as { readonly [field: string]: unknown } | null | undefined)?.[type];
    return (typeof found === 'string' || typeof found === 'number') && String(found).toLowerCase() === value.toLowerCase();
  });
}

function parse(body: Buffer): LiveEvent['body'] {
  if (body.length === 0) return null;
  try {
    return JSON.parse(body.toString()) as LiveEvent['body'];
  } catch {
    return null;
  }
}
