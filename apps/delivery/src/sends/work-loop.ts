import { log } from '@tributary/service/log';

const FAILED_WAIT_MS_MIN = 500;
const FAILED_WAIT_MS_MAX = 15_000;

export interface WorkLoopOptions {
  readonly name: string;
  /** Does what there is to do, and says how long to wait for more: 0 to go on at once. */
  work(): Promise<number>;
  /** Before work goes on after a failure. */
  recover?(): Promise<void>;
}

/** Work that goes on until there is none, sleeps until it is woken or its time has come, and outlives failures. */
export class WorkLoop {
  #interrupt: (() => void) | null = null;
  #isWoken = false;
  #isStopping = false;
  #running: Promise<void> | null = null;

  constructor(private readonly options: WorkLoopOptions) {}

  start(): void {
    this.#running ??= this.#run();
  }

  wake(): void {
    this.#isWoken = true;
    this.#interrupt?.();
  }

  /** Resolves when the work in hand is done. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#interrupt?.();
    await this.#running;
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#isStopping) {
      this.#isWoken = false;
      let waitMs: number;
      try {
        if (failures > 0) await this.options.recover?.();
        waitMs = await this.options.work();
        failures = 0;
      } catch (error) {
        failures += 1;
        waitMs = Math.min(FAILED_WAIT_MS_MIN * 2 ** (failures - 1), FAILED_WAIT_MS_MAX);
        log.warn({ err: error, loop: this.options.name, failures }, 'work failed and will be tried again');
      }
      if (waitMs > 0) await this.#sleep(waitMs, failures === 0);
    }
  }

  /** After a failure only time and the end of the process interrupt it. */
  #sleep(waitMs: number, isWakeable: boolean): Promise<void> {
    if (this.#isStopping || (isWakeable && this.#isWoken)) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#interrupt = null;
        resolve();
      };
      const timer = setTimeout(finish, waitMs);
      this.#interrupt = () => (isWakeable || this.#isStopping) && finish();
    });
  }
}
