import type { Clock } from '@tributary/stream/clock';
import type { VirtualTime } from './virtual-time.js';

/**
 * One life of an instance. What it waits for comes only while it lives; while it is suspended everything is late, in
 * its order. Its own clock may be wrong.
 */
export class SimulatedProcess {
  isAlive = true;
  readonly clock: Clock;
  #suspendedUntilMs = 0;
  #hiccup: 'none' | 'wanted' | 'had' = 'none';
  readonly #dying: (() => void)[] = [];

  constructor(readonly name: string, private readonly time: VirtualTime, skewMs: number) {
    this.clock = {
      nowMs: () => Math.floor(time.nowMs + skewMs),
      monotonicMs: () => time.nowMs,
      sleep: (ms, signal) => new Promise((resolve) => {
        const cancel = this.after(ms, resolve);
        signal.addEventListener('abort', () => {
          cancel();
          resolve();
        }, { once: true });
        if (signal.aborted) resolve();
      }),
      after: (ms, call) => this.after(ms, call),
    };
  }

  get isSuspended(): boolean {
    return this.time.nowMs < this.#suspendedUntilMs;
  }

  /** Something that the process itself will do or hear. */
  after(ms: number, run: () => void): () => void {
    let isCancelled = false;
    const attempt = (): void => {
      if (!this.isAlive || isCancelled) return;
      if (this.isSuspended) this.time.after(this.#suspendedUntilMs - this.time.nowMs, attempt);
      else run();
    };
    this.time.after(ms, attempt);
    return () => void (isCancelled = true);
  }

  /** Nothing that it awaits ever comes back. */
  kill(): void {
    this.isAlive = false;
    for (const tell of this.#dying.splice(0)) tell();
  }

  suspend(ms: number): void {
    this.#suspendedUntilMs = Math.max(this.#suspendedUntilMs, this.time.nowMs + ms);
  }

  /** A stage of it will throw, once in its life, for no reason that lies in the world: batches get small after that. */
  wantHiccup(): void {
    if (this.#hiccup === 'none') this.#hiccup = 'wanted';
  }

  takeHiccup(): boolean {
    const isWanted = this.#hiccup === 'wanted';
    if (isWanted) this.#hiccup = 'had';
    return isWanted;
  }

  onDeath(tell: () => void): void {
    this.#dying.push(tell);
  }
}
