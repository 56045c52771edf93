import { log } from '@tributary/service/log';
import type { OwnerLease } from './owner-lease.js';
import type { Sender } from './sender.js';
import type { Sends } from './sends.postgres.js';
import { WorkLoop } from './work-loop.js';

/** With nothing due and nobody waking it, the loop looks this often; another process may have claimed and died. */
const IDLE_MS = 5_000;
const RECOVER_EVERY_MS = 10_000;

/** Keeps the sender going: wakes after commits, at due times and now and then; takes over from processes that died. */
export class SendLoop {
  readonly #loop = new WorkLoop({ name: 'sender', work: () => this.#work(), recover: () => this.sender.recover() });
  #recoveredMs = 0;

  constructor(
    private readonly sender: Sender,
    private readonly sends: Sends,
    private readonly lease: OwnerLease,
  ) {}

  start(): void {
    this.#loop.start();
  }

  wake(): void {
    this.#loop.wake();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    this.lease.release();
  }

  async #work(): Promise<number> {
    await this.lease.hold();
    if (Date.now() - this.#recoveredMs >= RECOVER_EVERY_MS) {
      await this.#takeOver();
      this.#recoveredMs = Date.now();
    }
    if ((await this.sender.sendBatch()) > 0) return 0;
    const dueMs = await this.sends.nextDueMs();
    return dueMs === null ? IDLE_MS : Math.min(IDLE_MS, Math.max(1, dueMs - Date.now()));
  }

  async #takeOver(): Promise<void> {
    for (const owner of await this.sends.otherOwners(this.lease.owner)) {
      await this.lease.ifDead(owner, async () => {
        const taken = await this.sends.recover(owner, Date.now(), ({ state }) => state === 'attempting');
        if (taken.released + taken.unknown > 0) log.warn(taken, 'took over the sends of a process that died');
      });
    }
  }
}
