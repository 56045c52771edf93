import { LiveConnection, type ConnectionState, type LiveBatch } from '../../api/live-connection.js';

export interface Row<Item> {
  readonly number: number;
  readonly item: Item;
  /** Came while the page was open: it may be drawn attention to. */
  readonly isNew: boolean;
}

/** What a list of live rows shows. */
export interface LiveView<Item> {
  /** Newest first. */
  readonly rows: readonly Row<Item>[];
  readonly state: ConnectionState;
  /** Of all that happens, matching or not, over the last seconds. */
  readonly perSecond: number;
  /** Rows that came while the list is paused or held. */
  readonly waiting: number;
  /** Matching items that were not shown, because nobody could have read them. */
  readonly leftOut: number;
  /** The first batch has arrived: an empty list is empty, not loading. */
  readonly isLoaded: boolean;
}

const ROWS_MAX = 200;
const RATE_WINDOW_MS = 5_000;
const RATE_TICK_MS = 1_000;

export interface LiveRowsOptions<Item> {
  readonly path: string;
  readonly match: string;
  /** What makes an item the same one when it comes again, after a break. */
  keyOf(item: Item): string;
  onBatch(batch: LiveBatch<Item>): void;
}

/** The rows of one live stream. While stopped, the list stands still and new rows gather behind it, newest first too. */
export class LiveRows<Item> {
  #view: LiveView<Item> = { rows: [], state: 'connecting', perSecond: 0, waiting: 0, leftOut: 0, isLoaded: false };
  #waiting: readonly Row<Item>[] = [];
  #waitingCount = 0;
  #isStopped = false;
  #seen: { readonly atMs: number; readonly count: number }[] = [];
  #numbers = 0;
  readonly #listeners = new Set<() => void>();
  readonly #connection: LiveConnection<Item>;
  readonly #timer: number;

  constructor(private readonly options: LiveRowsOptions<Item>) {
    const { path, match, onBatch } = options;
    this.#connection = new LiveConnection<Item>(path, match, {
      onBatch: (batch) => {
        onBatch(batch);
        this.#take(batch);
      },
      onState: (state) => this.#show({ state }),
    });
    this.#timer = window.setInterval(() => this.#view.perSecond > 0 && this.#show({ perSecond: this.#rate() }), RATE_TICK_MS);
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly view = (): LiveView<Item> => this.#view;

  stop(): void {
    this.#isStopped = true;
  }

  goOn(): void {
    this.#isStopped = false;
    const rows = [...this.#waiting, ...this.#view.rows].slice(0, ROWS_MAX);
    this.#waiting = [];
    this.#waitingCount = 0;
    this.#show({ rows, waiting: 0 });
  }

  close(): void {
    this.#connection.close();
    window.clearInterval(this.#timer);
  }

  #take(batch: LiveBatch<Item>): void {
    const isNew = this.#view.isLoaded;
    const known = new Set([...this.#view.rows, ...this.#waiting].map(({ item }) => this.options.keyOf(item)));
    const unknown = batch.items.filter((item) => !known.has(this.options.keyOf(item)));
    const added = unknown.map((item) => ({ number: this.#numbers++, item, isNew })).reverse();
    this.#seen.push({ atMs: Date.now(), count: batch.seen });
    const leftOut = this.#view.leftOut + Math.max(0, batch.matched - batch.items.length) + batch.lost;
    if (this.#isStopped) {
      this.#waiting = [...added, ...this.#waiting].slice(0, ROWS_MAX);
      this.#waitingCount += added.length;
      this.#show({ waiting: this.#waitingCount, perSecond: this.#rate(), leftOut });
    } else {
      const rows = added.length === 0 ? this.#view.rows : [...added, ...this.#view.rows].slice(0, ROWS_MAX);
      this.#show({ rows, perSecond: this.#rate(), leftOut, isLoaded: true });
    }
  }

  #rate(): number {
    const sinceMs = Date.now() - RATE_WINDOW_MS;
    this.#seen = this.#seen.filter(({ atMs }) => atMs > sinceMs);
    return this.#seen.reduce((sum, { count }) => sum + count, 0) / (RATE_WINDOW_MS / 1_000);
  }

  #show(change: Partial<LiveView<Item>>): void {
    this.#view = { ...this.#view, ...change };
    for (const listener of this.#listeners) listener();
  }
}
