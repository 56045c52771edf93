import type { ServerResponse } from 'node:http';
import type { LiveFeed } from './live-feed.js';

export interface StreamOptions<Item> {
  readonly feed: LiveFeed<Item>;
  /** Which items the page asked for. */
  matches(item: Item): boolean;
  present(item: Item): unknown;
  /** Counts over everything that came, also what is not shown; goes into the batch. */
  summarize?(items: readonly Item[], isBacklog: boolean): object;
  /** The `Last-Event-ID` of a page that comes back. */
  readonly resumeAfter: string | undefined;
  /** When the login ends, epoch ms: the stream ends with it. */
  readonly untilMs: number;
}

/** Pages are told at most this often … */
const TURN_MS = 200;
/** … at most so many items: nobody reads a hundred rows a second; how many there were is said beside. */
const ITEMS_MAX = 20;
/** A page that is opened begins with this many of the items before. */
const BACKLOG = 60;
const BEAT_MS = 10_000;
/** Browsers wait so long before they connect again. */
const RETRY_MS = 2_000;

/** Distinguishes the numbers of this process from those of the one before a restart. */
const epoch = Date.now().toString(36);

/**
 * One page's stream of Server-Sent Events: `batch` ({items, seen, matched, lost}, items oldest first), `state` ({state}) whenever the log is
 * lost or found again, and `beat` so that a page notices a dead connection. While the connection is full nothing is
 * queued: the page's place in the ring stays, and what is overwritten meanwhile it learns as `lost`.
 */
export class LiveStream<Item> {
  readonly #closeFeed: () => void;
  readonly #turn: NodeJS.Timeout;
  #next: number;
  #isFirst = true;
  readonly #isResumed: boolean;
  #state: string | null = null;
  #beatAtMs = 0;
  #isFull = false;

  constructor(
    private readonly response: ServerResponse,
    private readonly options: StreamOptions<Item>,
  ) {
    this.#closeFeed = options.feed.open();
    const resumed = this.#whereStopped();
    this.#isResumed = resumed !== null;
    this.#next = resumed ?? 0;
    response.write(`retry: ${RETRY_MS}\n\n`);
    response.on('drain', () => (this.#isFull = false));
    response.once('close', () => this.end());
    this.#turn = setInterval(() => this.#look(), TURN_MS);
    this.#look();
  }

  end(): void {
    clearInterval(this.#turn);
    this.#closeFeed();
    if (!this.response.writableEnded) this.response.end();
  }

  /** Where a page that comes back stopped; null for a new one, and where something was not read since. */
  #whereStopped(): number | null {
    const [lastEpoch, last] = this.options.resumeAfter?.split('-') ?? [];
    const number = Number(last);
    const { first, next: end } = this.options.feed.ring;
    const isOurs = lastEpoch === epoch && Number.isInteger(number) && number >= first && number <= end;
    return isOurs ? number : null;
  }

  #look(): void {
    const nowMs = Date.now();
    if (nowMs >= this.options.untilMs) return this.end();
    if (this.#isFull) return;
    const { feed } = this.options;
    if (feed.state !== this.#state) this.#send('state', { state: (this.#state = feed.state) });
    // A page begins with what was there before it: that has to be read first.
    const isReady = !this.#isFirst || feed.state === 'live';
    if (isReady && (this.#isFirst || feed.ring.next > this.#next)) this.#sendBatch();
    if (nowMs - this.#beatAtMs >= BEAT_MS) {
      this.#beatAtMs = nowMs;
      this.#send('beat', { at: new Date(nowMs).toISOString() });
    }
  }

  #sendBatch(): void {
    const { feed, matches, present, summarize } = this.options;
    const { items, lost, next } = feed.ring.read(this.#next);
    // What came before a page was opened is neither new to it nor lost.
    const isBacklog = this.#isFirst && !this.#isResumed;
    const matching = items.filter(matches);
    const shown = matching.slice(-(this.#isFirst ? BACKLOG : ITEMS_MAX)).map(present);
    const counts = isBacklog ? { seen: 0, matched: 0, lost: 0 } : { seen: items.length + lost, matched: matching.length, lost };
    this.#next = next;
    this.#isFirst = false;
    this.#send('batch', { items: shown, ...counts, ...summarize?.(items, isBacklog) }, next);
  }

  #send(event: string, data: unknown, next?: number): void {
    const id = next === undefined ? '' : `id: ${epoch}-${next}\n`;
    if (!this.response.write(`${id}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)) this.#isFull = true;
  }
}
