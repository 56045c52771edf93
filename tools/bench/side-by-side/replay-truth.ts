// What the ten segments mean, by brute force over what was really sent: no engine, no SQL, nothing shared with either.
import { type WindowedSegment, windowMsOf } from './windowed-segments.ts';

/** An event as the broker has it. */
export interface KnownEvent {
  readonly user: string;
  readonly name: string;
  readonly messageId: string;
  readonly timestampMs: number;
  /** When the broker appended it: from then on it is known. */
  readonly appendedMs: number;
}

/** One change of one person's membership in one segment. */
export interface Flip {
  readonly change: 'entered' | 'left';
  readonly effectiveMs: number;
  /** The event that was appended at that instant; null where time alone did it. */
  readonly messageId: string | null;
}

export function flipKey(user: string, segment: string): string {
  return `${user} ${segment}`;
}

/** Every change up to an instant, by `flipKey`, in order. */
export function replayTruth(events: Iterable<KnownEvent>, segments: readonly WindowedSegment[], upToMs: number): Map<string, Flip[]> {
  const streams = eventsByUserAndName(events);
  const truth = new Map<string, Flip[]>();
  for (const [user, byName] of streams) {
    for (const segment of segments) {
      const flips = flipsOf(byName.get(segment.rule.performed) ?? [], segment, upToMs);
      if (flips.length > 0) truth.set(flipKey(user, segment.key), flips);
    }
  }
  return truth;
}

/** A message id counts once: as it was appended first. */
function eventsByUserAndName(events: Iterable<KnownEvent>): Map<string, Map<string, KnownEvent[]>> {
  const first = new Map<string, KnownEvent>();
  for (const event of events) {
    const known = first.get(event.messageId);
    if (known === undefined || event.appendedMs < known.appendedMs) first.set(event.messageId, event);
  }
  const streams = new Map<string, Map<string, KnownEvent[]>>();
  for (const event of first.values()) {
    const byName = streams.get(event.user) ?? new Map<string, KnownEvent[]>();
    streams.set(event.user, byName);
    const list = byName.get(event.name) ?? [];
    byName.set(event.name, list);
    list.push({ ...event, timestampMs: Math.min(event.timestampMs, event.appendedMs) });
  }
  return streams;
}

/** Asks at every instant at which the answer may change. */
function flipsOf(events: readonly KnownEvent[], segment: WindowedSegment, upToMs: number): Flip[] {
  const windowMs = windowMsOf(segment);
  const least = segment.rule.count.value;
  if (events.length < least) return [];
  const appendedAt = new Map(events.map((event) => [event.appendedMs, event.messageId]));
  const instants = [...new Set(events.flatMap(({ appendedMs, timestampMs }) => [appendedMs, timestampMs + windowMs]))].filter((atMs) => atMs <= upToMs).sort((left, right) => left - right);
  const flips: Flip[] = [];
  let isMember = false;
  for (const atMs of instants) {
    const holds = countAt(events, atMs, windowMs) >= least;
    if (holds !== isMember) flips.push({ change: holds ? 'entered' : 'left', effectiveMs: atMs, messageId: appendedAt.get(atMs) ?? null });
    isMember = holds;
  }
  return flips;
}

/** How many are known at an instant and lie in `(atMs − windowMs, atMs]`. */
function countAt(events: readonly KnownEvent[], atMs: number, windowMs: number): number {
  let count = 0;
  for (const { appendedMs, timestampMs } of events) if (appendedMs <= atMs && timestampMs <= atMs && timestampMs > atMs - windowMs) count++;
  return count;
}
