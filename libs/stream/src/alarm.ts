import type { Clock } from './clock.js';

/** A sleep that ends early when somebody rings, also when the ringing came just before it began. */
export class Alarm {
  #isRung = false;
  #wake: (() => void) | undefined;

  constructor(private readonly clock: Pick<Clock, 'after'>) {}

  ring(): void {
    this.#isRung = true;
    this.#wake?.();
  }

  async sleep(ms: number): Promise<void> {
    if (!this.#isRung) {
      await new Promise<void>((resolve) => {
        const cancel = this.clock.after(ms, resolve);
        this.#wake = () => {
          cancel();
          resolve();
        };
      });
      this.#wake = undefined;
    }
    this.#isRung = false;
  }
}
