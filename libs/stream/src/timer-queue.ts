/** At most one due instant per key; a binary heap with stale entries left in until they surface. */
export class TimerQueue<Key> {
  readonly #heap: { readonly dueMs: number; readonly id: string; readonly key: Key }[] = [];
  readonly #due = new Map<string, number>();

  get size(): number {
    return this.#due.size;
  }

  set(id: string, key: Key, dueMs: number): void {
    if (this.#due.get(id) === dueMs) return;
    this.#due.set(id, dueMs);
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
  take(beforeMs: number, max: number): { readonly id: string; readonly key: Key; readonly dueMs: number }[] {
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

  #pop(): { readonly dueMs: number; readonly id: string; readonly key: Key } {
    const heap = this.#heap;
    const top = heap[0] as { dueMs: number; id: string; key: Key };
    const last = heap.pop() as { dueMs: number; id: string; key: Key };
    if (heap.length > 0) {
      heap[0] = last;
      this.#sink(0);
    }
    return top;
  }

  #rise(index: number): void {
    const heap = this.#heap;
    const item = heap[index] as { dueMs: number; id: string; key: Key };
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent] as { dueMs: number; id: string; key: Key };
      if (above.dueMs <= item.dueMs) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = item;
  }

  #sink(index: number): void {
    const heap = this.#heap;
    const item = heap[index] as { dueMs: number; id: string; key: Key };
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && right.dueMs < (heap[child] as { dueMs: number }).dueMs) child++;
      const below = heap[child] as { dueMs: number; id: string; key: Key };
      if (below.dueMs >= item.dueMs) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = item;
  }
}
