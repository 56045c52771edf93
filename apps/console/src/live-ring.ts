/** What a reader gets when it looks: what came since it last looked, newest last. */
export interface LiveBatch<Item> {
  readonly items: readonly Item[];
  /** How many came since. */
  readonly seen: number;
  /** How many of them matched what the reader asked for; those not in `items` were left out. */
  readonly matched: number;
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

  constructor(private readonly capacity: number) {}

  /** The number that the next item gets. */
  get next(): number {
    return this.#next;
  }

  push(item: Item): void {
    this.#items[this.#next++ % this.capacity] = item;
  }

  /** @param itemsMax of the matching items the newest ones are given */
  read(from: number, itemsMax: number, matches: (item: Item) => boolean): LiveBatch<Item> {
    const first = Math.max(from, this.#next - this.capacity);
    const found: Item[] = [];
    let matched = 0;
    for (let number = this.#next - 1; number >= first; number--) {
      const item = this.#items[number % this.capacity] as Item;
      if (!matches(item)) continue;
      matched++;
      if (found.length < itemsMax) found.push(item);
    }
    return { items: found.reverse(), seen: this.#next - from, matched, lost: first - from, next: this.#next };
  }
}
