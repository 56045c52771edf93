import type { Pool } from '@tributary/postgres/pool';
import type { FoldStage, ProfileKey } from './stage.js';
import type { Armed } from './timer-book.js';
import { loadTimers } from './timers.js';

export interface Kept<State> extends Armed {
  readonly state: State;
}

/** States of profiles in the partitions owned, and which of them the batch in hand has touched. */
export class StateCache<State> {
  readonly #kept = new Map<string, Kept<State>>();
  readonly #touched = new Map<string, Kept<State>>();

  /** @param max states kept between batches; the least recently used make room */
  constructor(private readonly pool: Pool, private readonly stage: FoldStage<State>, private readonly max: number) {}

  get touched(): readonly Kept<State>[] {
    return [...this.#touched.values()];
  }

  /** Reads what is not kept yet: states in one query, armed timers in another. */
  async load(keys: Iterable<ProfileKey>): Promise<void> {
    const missing = new Map<string, ProfileKey>();
    for (const { workspace, profileId } of keys) if (!this.#kept.has(profileId)) missing.set(profileId, { workspace, profileId });
    if (missing.size === 0) return;
    const wanted = [...missing.values()];
    const [states, armed] = await Promise.all([this.stage.load(wanted), loadTimers(this.pool, this.stage.name, wanted)]);
    for (const [id, key] of missing) this.#kept.set(id, { key, state: states.get(id) ?? this.stage.create(key), armedMs: armed.get(id) ?? null });
  }

  /** Profile ids are keyed hashes of workspace and identifier: unique over all workspaces. */
  get({ profileId }: ProfileKey): Kept<State> {
    return this.#kept.get(profileId) as Kept<State>;
  }

  touch(key: ProfileKey): Kept<State> {
    const kept = this.get(key);
    this.#touched.set(key.profileId, kept);
    return kept;
  }

  /** The batch has been committed. */
  settle(): void {
    if (this.#kept.size > this.max / 2) {
      for (const [id, kept] of this.#touched) {
        this.#kept.delete(id);
        this.#kept.set(id, kept);
      }
    }
    this.#touched.clear();
    let surplus = this.#kept.size - this.max;
    for (const id of this.#kept.keys()) {
      if (surplus-- <= 0) break;
      this.#kept.delete(id);
    }
  }

  clear(): void {
    this.#kept.clear();
    this.#touched.clear();
  }
}
