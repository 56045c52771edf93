import type { Entry } from '@tributary/contracts/entry';
import type { Write } from '@tributary/postgres/write';
import type { Emitter, FoldStage, ProfileKey } from '@tributary/stream/stage';

/** Runs a fold in memory the way the stream library does: time up to an entry first, then the entry. */
export class FoldDriver<State> {
  readonly forwarded: Entry[] = [];
  readonly parked: { readonly entry: Entry; readonly reason: string }[] = [];
  readonly dropped: string[] = [];
  readonly states = new Map<string, State>();
  #touched = new Map<string, { readonly key: ProfileKey; readonly state: State }>();
  #sequence = 0;

  readonly emit: Emitter = {
    forward: (entry) => {
      this.forwarded.push({ ...entry, source: 0, offset: ++this.#sequence });
      return this.#sequence;
    },
    record: () => undefined,
    drop: (reason) => void this.dropped.push(reason),
    park: (entry, reason) => void this.parked.push({ entry, reason }),
  };

  constructor(readonly stage: FoldStage<State>) {}

  apply(...entries: readonly Entry[]): void {
    for (const entry of entries) {
      const state = this.#touch(entry);
      this.stage.advance(state, entry.appendedAtMs, this.emit);
      this.stage.apply(state, entry, this.emit);
    }
  }

  /** The watermark moves: everything due before the instant fires, in order of due. */
  passTime(beforeMs: number): void {
    for (;;) {
      const due = [...this.#kept.values()].map(({ key, state }) => ({ key, dueMs: this.stage.dueMs(state) })).filter(({ dueMs }) => dueMs !== null && dueMs < beforeMs);
      if (due.length === 0) return;
      due.sort((a, b) => (a.dueMs as number) - (b.dueMs as number));
      for (const { key, dueMs } of due) this.stage.advance(this.#touch(key), (dueMs as number) + 1, this.emit);
    }
  }

  /** What the batch would commit. */
  async save(): Promise<readonly Write[]> {
    const touched = [...this.#touched.values()];
    this.#touched = new Map();
    return this.stage.save(touched, () => undefined);
  }

  /** Loads what is stored of these profiles in place of what is kept. */
  async reload(...keys: readonly ProfileKey[]): Promise<void> {
    this.stage.reset?.([]);
    const loaded = await this.stage.load(keys);
    for (const key of keys) {
      this.#kept.delete(key.profileId);
      this.states.delete(key.profileId);
      const state = loaded.get(key.profileId);
      if (state !== undefined) this.#keep(key, state);
    }
  }

  stateOf(profileId: string): State {
    return this.states.get(profileId) as State;
  }

  readonly #kept = new Map<string, { readonly key: ProfileKey; readonly state: State }>();

  #touch({ workspace, profileId }: ProfileKey): State {
    const key = { workspace, profileId };
    const kept = this.#kept.get(profileId) ?? this.#keep(key, this.stage.create(key));
    this.#touched.set(profileId, kept);
    return kept.state;
  }

  #keep(key: ProfileKey, state: State): { readonly key: ProfileKey; readonly state: State } {
    const kept = { key, state };
    this.#kept.set(key.profileId, kept);
    this.states.set(key.profileId, state);
    return kept;
  }
}
