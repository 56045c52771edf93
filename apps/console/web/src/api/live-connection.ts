/** `connecting` at first, `live`, `reconnecting` after a break, `log_unavailable`: the backend answers but has no log; `resting` in a hidden tab. */
export type ConnectionState = 'connecting' | 'live' | 'reconnecting' | 'log_unavailable' | 'resting';

export interface LiveBatch<Item> {
  /** Oldest first. */
  readonly items: readonly Item[];
  readonly seen: number;
  readonly matched: number;
  readonly lost: number;
  /** Of events: when the newest one became known, matching or not, epoch ms. */
  readonly newestMs?: number;
  /** Of changes: entered and left by segment, over all that was seen. */
  readonly tally?: { readonly [segment: string]: readonly [entered: number, left: number] };
}

interface Handlers<Item> {
  onBatch(batch: LiveBatch<Item>): void;
  onState(state: ConnectionState): void;
}

/** Two beats missed and a bit: the connection is dead even where the browser has not noticed. */
const SILENCE_MS = 25_000;
const REOPEN_MS = [1_000, 2_000, 5_000, 10_000];

/**
 * One stream of the backend, kept open: opened again after every break from where it stopped. A hidden tab lets go of it,
 * because a browser has but six connections to a host for all its tabs.
 */
export class LiveConnection<Item> {
  #source: EventSource | null = null;
  #lastId = '';
  #timer = 0;
  #failures = 0;
  #isClosed = false;

  constructor(
    private readonly path: string,
    private readonly match: string,
    private readonly handlers: Handlers<Item>,
  ) {
    document.addEventListener('visibilitychange', this.#onVisibility);
    this.#onVisibility();
  }

  close(): void {
    this.#isClosed = true;
    document.removeEventListener('visibilitychange', this.#onVisibility);
    this.#letGo();
  }

  readonly #onVisibility = (): void => {
    if (document.hidden) {
      this.#letGo();
      this.handlers.onState('resting');
    } else if (this.#source === null) {
      this.#open();
    }
  };

  #open(): void {
    this.#letGo();
    this.handlers.onState(this.#failures === 0 ? 'connecting' : 'reconnecting');
    const query = new URLSearchParams({ ...(this.match === '' ? {} : { match: this.match }), ...(this.#lastId === '' ? {} : { after: this.#lastId }) });
    const source = new EventSource(`/api/live/${this.path}?${query}`);
    this.#source = source;
    this.#expectSound();
    source.addEventListener('batch', (event) => {
      this.#lastId = event.lastEventId;
      this.#expectSound();
      this.handlers.onBatch(JSON.parse(event.data as string) as LiveBatch<Item>);
    });
    source.addEventListener('state', (event) => {
      this.#expectSound();
      this.#failures = 0;
      const { state } = JSON.parse(event.data as string) as { state: string };
      this.handlers.onState(state === 'live' ? 'live' : state === 'unavailable' ? 'log_unavailable' : 'connecting');
    });
    source.addEventListener('beat', () => this.#expectSound());
    // The browser's own reconnecting gives up for good after an answer that is no stream; ours goes on.
    source.addEventListener('error', () => this.#reopen());
  }

  #reopen(): void {
    if (this.#isClosed || document.hidden) return;
    this.#letGo();
    const delayMs = REOPEN_MS[Math.min(this.#failures++, REOPEN_MS.length - 1)];
    this.handlers.onState('reconnecting');
    this.#timer = window.setTimeout(() => this.#open(), delayMs);
  }

  #expectSound(): void {
    window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#reopen(), SILENCE_MS);
  }

  #letGo(): void {
    window.clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }
}
