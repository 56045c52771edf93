import type { Entry, Position } from '@tributary/contracts/entry';

/** An entry that waits for its turn, and the offset of the input record that brought it. */
interface Waiting {
  readonly entry: Entry;
  readonly recordOffset: number;
}

/**
 * Puts the entries of several sources into the one order in which they became known: by append time, then source, then
 * offset. An entry comes out once no source can bring an earlier one any more: each other source has forwarded
 * everything up to that instant. Entries that were seen before are left out, so at-least-once input becomes
 * exactly-once order.
 */
export class Reorder {
  readonly #queues: Waiting[][];
  readonly #heads: number[];
  readonly #received: Position[];
  /** With one source entries need no order of ours, and their instants prove nothing: timers fire behind entries. */
  readonly #entriesTellTime: boolean;
  #size = 0;

  /** @param applied where the stage stands, by source; @param sources how many there are, numbered from 0 */
  constructor(applied: ReadonlyMap<number, Position>, sources: number) {
    this.#queues = Array.from({ length: sources }, () => []);
    this.#heads = Array.from({ length: sources }, () => 0);
    this.#entriesTellTime = sources > 1;
    this.#received = Array.from({ length: sources }, (_, source) => applied.get(source) ?? { offset: -1, timeMs: -Infinity });
  }

  get size(): number {
    return this.#size;
  }

  push(entries: readonly Entry[], positions: ReadonlyMap<number, Position>, recordOffset: number): void {
    for (const entry of entries) {
      const received = this.#received[entry.source];
      if (received === undefined) throw new Error(`an entry of source ${entry.source}, of which the configuration knows nothing: INLET_PARTITIONS must be that of the topic`);
      if (entry.offset <= received.offset) continue;
      const timeMs = this.#entriesTellTime ? Math.max(received.timeMs, entry.appendedAtMs) : received.timeMs;
      this.#received[entry.source] = { offset: entry.offset, timeMs };
      (this.#queues[entry.source] as Waiting[]).push({ entry, recordOffset });
      this.#size++;
    }
    for (const [source, position] of positions) {
      const received = this.#received[source];
      if (received === undefined) continue;
      this.#received[source] = { offset: Math.max(received.offset, position.offset), timeMs: Math.max(received.timeMs, position.timeMs) };
    }
  }

  /** Takes out what is next in order, at most `max` entries. */
  take(max: number): Entry[] {
    const taken: Entry[] = [];
    while (taken.length < max) {
      const source = this.#nextSource();
      if (source < 0) break;
      taken.push(this.#shift(source));
    }
    return taken;
  }

  /** True when `take` would bring something. */
  isReady(): boolean {
    return this.#nextSource() >= 0;
  }

  /** Everything appended before this instant (exclusive) has been taken out. */
  watermarkMs(): number {
    let watermarkMs = Infinity;
    for (let source = 0; source < this.#received.length; source++) watermarkMs = Math.min(watermarkMs, this.#position(source).timeMs);
    return watermarkMs;
  }

  /** Up to where each source has been taken out. */
  positions(): Map<number, Position> {
    const positions = new Map<number, Position>();
    for (let source = 0; source < this.#received.length; source++) {
      const position = this.#position(source);
      if (position.timeMs !== -Infinity) positions.set(source, position);
    }
    return positions;
  }

  /** The input record to start from after a restart: the first that brought an entry still waiting. */
  oldestRecordOffset(): number | null {
    let oldest: number | null = null;
    for (let source = 0; source < this.#queues.length; source++) {
      const head = this.#head(source);
      if (head !== undefined && (oldest === null || head.recordOffset < oldest)) oldest = head.recordOffset;
    }
    return oldest;
  }

  #head(source: number): Waiting | undefined {
    return (this.#queues[source] as Waiting[])[this.#heads[source] as number];
  }

  #position(source: number): Position {
    const head = this.#head(source);
    const received = this.#received[source] as Position;
    return head === undefined ? received : { offset: head.entry.offset - 1, timeMs: Math.min(head.entry.appendedAtMs, received.timeMs) };
  }

  /** The source whose head is the earliest of all and can be overtaken by nothing that is still to come; else -1. */
  #nextSource(): number {
    let best = -1;
    let bestMs = Infinity;
    for (let source = 0; source < this.#queues.length; source++) {
      const head = this.#head(source);
      if (head !== undefined && head.entry.appendedAtMs < bestMs) {
        best = source;
        bestMs = head.entry.appendedAtMs;
      }
    }
    if (best < 0) return -1;
    for (let source = 0; source < this.#queues.length; source++) {
      if (source === best || this.#head(source) !== undefined) continue;
      const { timeMs } = this.#received[source] as Position;
      const canStillPrecede = source < best ? timeMs <= bestMs : timeMs < bestMs;
      if (canStillPrecede) return -1;
    }
    return best;
  }

  #shift(source: number): Entry {
    const queue = this.#queues[source] as Waiting[];
    const head = this.#heads[source] as number;
    const { entry } = queue[head] as Waiting;
    this.#heads[source] = head + 1;
    this.#size--;
    if (head + 1 === queue.length) {
      this.#queues[source] = [];
      this.#heads[source] = 0;
    } else if (head > 1_024) {
      this.#queues[source] = queue.slice(head + 1);
      this.#heads[source] = 0;
    }
    return entry;
  }
}
