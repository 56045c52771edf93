// Time that passes only when the simulation says so: events in order of their instants, ties in order of their making.

interface Scheduled {
  readonly atMs: number;
  readonly sequence: number;
  readonly run: () => void;
  isCancelled: boolean;
}

export class VirtualTime {
  /** Epoch ms. */
  nowMs = Date.UTC(2026, 0, 1);
  /** How many events have happened. */
  steps = 0;
  readonly #heap: Scheduled[] = [];
  #sequence = 0;

  /** Answers what takes it back. */
  after(ms: number, run: () => void): () => void {
    const scheduled = { atMs: this.nowMs + Math.max(0, ms), sequence: this.#sequence++, run, isCancelled: false };
    this.#push(scheduled);
    return () => void (scheduled.isCancelled = true);
  }

  /** Lets the next event happen, and everything that follows from it without another one. False when none is left. */
  async step(): Promise<boolean> {
    const next = this.#pop();
    if (next === undefined) return false;
    if (next.isCancelled) return true;
    this.steps++;
    this.nowMs = next.atMs;
    next.run();
    // Behind all promises that are settled by now, and those that they settle.
    await new Promise<void>((resolve) => setImmediate(resolve));
    return true;
  }

  #push(scheduled: Scheduled): void {
    const heap = this.#heap;
    let index = heap.push(scheduled) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (isBefore(heap[parent] as Scheduled, scheduled)) break;
      heap[index] = heap[parent] as Scheduled;
      index = parent;
    }
    heap[index] = scheduled;
  }

  #pop(): Scheduled | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let index = 0;
    for (let child = 1; child < heap.length; child = 2 * index + 1) {
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, heap[child] as Scheduled)) child++;
      if (isBefore(last, heap[child] as Scheduled)) break;
      heap[index] = heap[child] as Scheduled;
      index = child;
    }
    heap[index] = last;
    return top;
  }
}

function isBefore(left: Scheduled, right: Scheduled): boolean {
  return left.atMs < right.atMs || (left.atMs === right.atMs && left.sequence < right.sequence);
}

/** Everything that happens by chance, from one seed. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
    for (let mixed = 0; mixed < 4; mixed++) this.next();
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  happens(probability: number): boolean {
    return this.next() < probability;
  }

  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low);
  }

  one<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }

  /** Mostly short, now and then very long: what networks and disks do. */
  delayMs(usualMs: number, longMs: number): number {
    return this.happens(0.03) ? this.between(usualMs, longMs) : this.between(0.05, usualMs);
  }
}
