export interface EventTimes {
  /** What the client said, epoch ms. */
  readonly timestampMs: number | null;
  /** The client's clock when it sent, epoch ms. */
  readonly sentAtMs: number | null;
  /** Our clock when it came in: the collector's for HTTP, the append time for Kafka. */
  readonly receivedMs: number;
  /** When the broker appended it to the inlet. */
  readonly appendedMs: number;
}

/**
 * The time of an event, epoch ms: the client's, moved by how far the client's clock was off when it sent; without one the
 * receipt. Never later than the append time: nothing happens in the future, and a replay gives the same answer.
 */
export function deriveEventTime({ timestampMs, sentAtMs, receivedMs, appendedMs }: EventTimes): number {
  if (timestampMs === null) return Math.min(receivedMs, appendedMs);
  const skewMs = sentAtMs === null ? 0 : receivedMs - sentAtMs;
  return Math.min(timestampMs + skewMs, appendedMs);
}
