/** Stale entries are cleared out once there are more of them than of live ones, and at least so many. */
const STALE_MIN = 256;

interface Item<Key> {
  readonly dueMs: number;
  readonly id: string;
  readonly key: Key;
}

/** At most one due instant per key; a binary heap with stale entries left in until they surface or outnumber the rest. */
export class TimerQueue<Key> {
  #heap: Item<Key>[] = [];
  readonly #due = new Map<string, number>();

  get size(): number {
    return this.#due.size;
  }

  /** Entries in memory, stale ones included. */
  get entries(): number {
    return this.#heap.length;
  }

  set(id: string, key: Key, dueMs: number): void {
    if (this.#due.get(id) === dueMs) return;
    this.#due.set(id, dueMs);
    if (this.#heap.length > 2 * this.#due.size + STALE_MIN) this.#rebuild();
    this.#heap.push({ dueMs, id, key });
    this.#rise(this.#heap.length - 1);
  }

  delete(id: string): void {
    this.#due.delete(id);
  }

  /** The earliest due instant, or null. */
  nextMs(): number | null {
    this.#dropStale();
    return this.#heap[0]?.dueMs ?? null;
  }

  /** Takes out what is due strictly before an instant, earliest first, at most `max`. */
  take(beforeMs: number, max: number): Item<Key>[] {
    const taken = [];
    while (taken.length < max) {
      const next = this.nextMs();
      if (next === null || next >= beforeMs) break;
      const top = this.#pop();
      this.#due.delete(top.id);
      taken.push(top);
    }
    return taken;
  }

  #dropStale(): void {
    for (let top = this.#heap[0]; top !== undefined && this.#due.get(top.id) !== top.dueMs; top = this.#heap[0]) this.#pop();
  }

  /** A sorted list is a heap. The entry just set is not in it yet. */
  #rebuild(): void {
    this.#heap = this.#heap.filter(({ id, dueMs }) => this.#due.get(id) === dueMs).sort((left, right) => left.dueMs - right.dueMs);
  }

  #pop(): Item<Key> {
    const heap = this.#heap;
    const top = heap[0] as Item<Key>;
    const last = heap.pop() as Item<Key>;
    if (heap.length > 0) {
      heap[0] = last;
      this.#sink(0);
    }
    return top;
  }

  #rise(index: number): void {
    const heap = this.#heap;
    const item = heap[index] as Item<Key>;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent] as Item<Key>;
      if (above.dueMs <= item.dueMs) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = item;
  }

  #sink(index: number): void {
    const heap = this.#heap;
    const item = heap[index] as Item<Key>;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && right.dueMs < (heap[child] as Item<Key>).dueMs) child++;
      const below = heap[child] as Item<Key>;
      if (below.dueMs >= item.dueMs) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = item;
  }
}
