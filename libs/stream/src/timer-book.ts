import { partitionOf } from '@tributary/contracts/shard';
import type { Pool } from '@tributary/postgres/pool';
import type { Write } from '@tributary/postgres/write';
import type { ProfileKey } from './stage.js';
import { deleteTimers, type DueTimer, FIRST_PLACE, type TimerPlace, timersAfter, upsertTimers } from './timers.js';
import { TimerQueue } from './timer-queue.js';

/** Timers read at a time; those after them are read when these have fired. */
const PAGE = 50_000;

/** What is stored for a profile. It may be earlier than needed, which wakes the profile for nothing, never later. */
export interface Armed {
  readonly key: ProfileKey;
  armedMs: number | null;
}

/** The timers of a stage in the partitions owned: one a profile, the near ones in memory, all in stream.timers. */
export class TimerBook {
  #queues = new Map<number, TimerQueue<ProfileKey>>();
  /** Everything up to here is in memory; null: everything is. */
  #readTo: TimerPlace | null = null;

  constructor(private readonly pool: Pool, private readonly stage: string, private readonly partitions: number) {}

  async open(owned: readonly number[]): Promise<void> {
    this.#queues = new Map(owned.map((partition) => [partition, new TimerQueue<ProfileKey>()]));
    this.#readTo = FIRST_PLACE;
    if (owned.length > 0) await this.#readPage(this.#readTo);
  }

  /** Reads on when time has come to what has not been read; a herd is read page by page, as it fires. */
  async readOn(watermarkMs: number): Promise<void> {
    if (this.#readTo === null || this.#readTo.dueMs >= watermarkMs) return;
    let waiting = 0;
    for (const queue of this.#queues.values()) waiting += queue.size;
    if (waiting < PAGE) await this.#readPage(this.#readTo);
  }

  async #readPage(after: TimerPlace): Promise<void> {
    const page = await timersAfter(this.pool, this.stage, after, { partitions: this.partitions, owned: [...this.#queues.keys()] }, PAGE);
    for (const { key, dueMs } of page) this.#queueOf(key).set(key.profileId, key, dueMs);
    const last = page[page.length - 1];
    this.#readTo = page.length < PAGE || last === undefined ? null : { dueMs: last.dueMs, profileId: last.key.profileId };
  }

  take(partition: number, beforeMs: number, max: number): readonly { readonly key: ProfileKey; readonly dueMs: number }[] {
    return this.#queues.get(partition)?.take(beforeMs, max) ?? [];
  }

  /** No timer of the partition is due before this instant; Infinity without timers. */
  nextMs(partition: number): number {
    return Math.min(this.#queues.get(partition)?.nextMs() ?? Infinity, this.#readTo?.dueMs ?? Infinity);
  }

  /**
   * Sets the timers of profiles whose state has changed. What is stored is corrected only when it would wake too late,
   * or is used up.
   * @param watermarkOf what has gone by in the profile's partition
   */
  arm(due: Iterable<readonly [Armed, number | null]>, watermarkOf: (partition: number) => number): Write[] {
    const upserts: DueTimer[] = [];
    const deletes: ProfileKey[] = [];
    for (const [armed, dueMs] of due) {
      const { key, armedMs } = armed;
      const partition = partitionOf(key.profileId, this.partitions);
      const queue = this.#queues.get(partition) as TimerQueue<ProfileKey>;
      if (dueMs === null) queue.delete(key.profileId);
      else if (this.#isRead(dueMs)) queue.set(key.profileId, key, dueMs);
      // The later instant is neither in memory nor stored: the earlier, stored one wakes the profile to store it.
      else if (armedMs !== null && this.#isRead(armedMs)) queue.set(key.profileId, key, armedMs);
      const isUsedUp = armedMs !== null && armedMs < watermarkOf(partition);
      if (dueMs !== null && dueMs !== armedMs && (armedMs === null || dueMs < armedMs || isUsedUp)) {
        upserts.push({ key, dueMs });
        armed.armedMs = dueMs;
      } else if (dueMs === null && isUsedUp) {
        deletes.push(key);
        armed.armedMs = null;
      }
    }
    return [
      ...(upserts.length > 0 ? [upsertTimers(this.stage, upserts)] : []),
      ...(deletes.length > 0 ? [deleteTimers(this.stage, deletes)] : []),
    ];
  }

  #isRead(dueMs: number): boolean {
    return this.#readTo === null || dueMs <= this.#readTo.dueMs;
  }

  #queueOf(key: ProfileKey): TimerQueue<ProfileKey> {
    return this.#queues.get(partitionOf(key.profileId, this.partitions)) as TimerQueue<ProfileKey>;
  }
}
