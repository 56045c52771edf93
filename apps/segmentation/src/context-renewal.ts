import type { SegmentNudge } from './segment-nudge.js';
import type { SegmentsStore } from './segments.postgres.js';

/** A time zone or a policy of a purpose that changed elsewhere counts after this long at most. */
const RENEW_EVERY_MS = 3_000;

/** Makes new definitions versions where what rules are compiled with changed outside of segmentation. */
export class ContextRenewal {
  #timer: NodeJS.Timeout | undefined;
  #renewing: Promise<void> = Promise.resolve();

  constructor(private readonly segments: SegmentsStore, private readonly nudge: SegmentNudge) {}

  start(): void {
    this.#timer = setTimeout(() => {
      this.#renewing = this.renew().catch(() => undefined).then(() => {
        if (this.#timer !== undefined) this.start();
      });
    }, RENEW_EVERY_MS);
    this.#timer.unref();
  }

  async renew(): Promise<void> {
    const renewed = await this.segments.renewContexts();
    if (renewed.length > 0) this.nudge.definitionsChanged();
  }

  /** Resolves when nothing is on its way any more. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#renewing;
  }
}
