/** What a reader gets when it looks. */
export interface LiveRead<Item> {
  /** What came since it last looked and is still here, oldest first. */
  readonly items: readonly Item[];
  /** How many were overwritten before this reader looked. */
  readonly lost: number;
  /** Where the reader goes on. */
  readonly next: number;
}

/**
 * The newest items, numbered. Readers come and look at their own pace and hold nothing themselves, so a slow reader costs
 * no memory: what it did not fetch in time is overwritten, oldest first, and it learns how much that was.
 */
export class LiveRing<Item> {
  readonly #items: Item[] = [];
  #next = 0;
  #first = 0;

  constructor(private readonly capacity: number) {}

  /** The number that the next item gets. */
  get next(): number {
    return this.#next;
  }

  /** The oldest number from which on nothing is missing but what was overwritten. */
  get first(): number {
    return this.#first;
  }

  /** Forgets everything; numbers go on. */
  clear(): void {
    this.#items.length = 0;
    this.#first = this.#next;
  }

  push(item: Item): void {
    this.#items[this.#next++ % this.capacity] = item;
  }

  read(from: number): LiveRead<Item> {
    const wanted = Math.max(from, this.#first);
    const first = Math.max(wanted, this.#next - this.capacity);
    const items = Array.from({ length: this.#next - first }, (_, at) => this.#items[(first + at) % this.capacity] as Item);
    return { items, lost: first - wanted, next: this.#next };
  }
}
