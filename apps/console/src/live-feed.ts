import { log } from '@tributary/service/log';
import type { LogRecord } from '@tributary/stream/stage';
import { LiveRing } from './live-ring.js';
import type { LiveSource } from './live-source.js';

export interface FeedOptions<Item> {
  readonly topic: string;
  /** About so many records of before are shown. */
  readonly recentMax: number;
  /** What a record holds; records that cannot be read hold nothing. */
  read(record: LogRecord): Iterable<Item>;
}

/** `connecting` to the log, `live`, or `unavailable` and trying again. */
export type FeedState = 'connecting' | 'live' | 'unavailable';

/** The newest items of a topic that pages may still look at. */
const KEPT = 2_000;
/** Reading goes on so long after the last page has gone: a reload finds what came in between. */
const LINGER_MS = 60_000;
const RETRY_MS = [1_000, 2_000, 5_000, 15_000];

/** One topic, read while at least one page looks at it, kept in a ring. */
export class LiveFeed<Item> {
  readonly ring = new LiveRing<Item>(KEPT);
  #state: FeedState = 'connecting';
  #readers = 0;
  #tail: Promise<{ stop(): Promise<void> }> | null = null;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #isClosed = false;

  constructor(
    private readonly source: LiveSource,
    private readonly options: FeedOptions<Item>,
  ) {}

  get state(): FeedState {
    return this.#state;
  }

  /** A page begins to look. Answers how it ends that. */
  open(): () => void {
    this.#readers++;
    clearTimeout(this.#timer);
    if (this.#tail === null) this.#start();
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      if (--this.#readers > 0) return;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.#stop(), LINGER_MS);
      this.#timer.unref();
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#stop();
  }

  #start(): void {
    if (this.#isClosed) return;
    // What happened while nobody looked is missing: a new beginning.
    this.ring.clear();
    this.#tail = this.source.tail({
      topic: this.options.topic,
      recentMax: this.options.recentMax,
      onRecent: (records) => records.forEach((record) => this.#take(record)),
      onRecord: (record) => this.#take(record),
    });
    this.#tail.then(
      () => {
        this.#state = 'live';
        this.#failures = 0;
      },
      (error: unknown) => {
        log.warn({ err: error, topic: this.options.topic }, 'a live view cannot read its topic yet');
        this.#tail = null;
        this.#state = 'unavailable';
        const delayMs = RETRY_MS[Math.min(this.#failures++, RETRY_MS.length - 1)];
        this.#timer = setTimeout(() => this.#readers > 0 && this.#start(), delayMs);
        this.#timer.unref();
      },
    );
  }

  async #stop(): Promise<void> {
    const tail = this.#tail;
    this.#tail = null;
    this.#state = 'connecting';
    await (await tail?.catch(() => null))?.stop();
  }

  #take(record: LogRecord): void {
    try {
      for (const item of this.options.read(record)) this.ring.push(item);
    } catch {
      // Without the error: the message of a parser quotes what it read.
      log.warn({ topic: record.topic, partition: record.partition, offset: record.offset }, 'a record is not shown: it cannot be read');
    }
  }
}
