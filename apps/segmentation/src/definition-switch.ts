import type { ChangeCause } from '@tributary/contracts/change';
import { SHARDS } from '@tributary/contracts/shard';
import { rebuild } from '@tributary/domain/segmentation/rebuild-state';
import type { Write } from '@tributary/postgres/write';
import type { PrepareContext } from '@tributary/stream/stage';
import { addChanges } from './collect-changes.js';
import type { DefinitionsStore, SwitchRow } from './definitions.postgres.js';
import type { EngineDirectory, Switch } from './engine-directory.js';
import type { History } from './history.postgres.js';
import type { ProfileRecord } from './profile-record.js';
import type { ProfileRecords } from './profile-records.postgres.js';

/** Profiles moved to new definitions in one batch, so that live entries in between wait a few milliseconds only. */
const CHUNK_PROFILES = 250;
/** Definitions changed elsewhere are noticed after this long, should the nudge be lost. */
const LOOK_EVERY_MS = 2_000;

/**
 * Moves partitions from one definitions version to the next, profile by profile, while live entries flow: each profile
 * follows one version wholly, and its history as of the applied position decides. So a new segment has the members it
 * would have had if always defined, and an edit emits exactly the difference.
 */
export class DefinitionSwitch {
  #lookedMs = 0;

  constructor(
    private readonly options: { readonly partitions: number; readonly store: DefinitionsStore; readonly engines: EngineDirectory; readonly records: ProfileRecords; readonly history: History; readonly clock: () => number },
  ) {}

  /** Definitions changed: see to it with the next batch. */
  lookAgain(): void {
    this.#lookedMs = 0;
  }

  hasWork(): boolean {
    return this.#lookedMs === 0 || this.options.engines.isSwitching();
  }

  async proceed(context: PrepareContext<ProfileRecord>): Promise<void> {
    const now = this.options.clock();
    if (now - this.#lookedMs >= LOOK_EVERY_MS) {
      this.#lookedMs = now;
      await this.#begin(context);
    }
    if (!this.options.engines.isSwitching()) return;
    for (const { partition } of context.partitions) await this.#proceedIn(partition, context);
  }

  async #begin(context: PrepareContext<ProfileRecord>): Promise<void> {
    const newest = await this.options.store.newest();
    for (const [workspace, version] of newest) {
      for (const { partition } of context.partitions) {
        const standing = this.options.engines.standing(workspace, partition);
        if (standing.version >= version || standing.nextVersion !== null) continue;
        await this.options.engines.adopt({ ...standing, nextVersion: version, cursor: null, doneProfiles: 0 });
      }
    }
    this.#workspaces = [...newest.keys()];
  }

  #workspaces: readonly string[] = [];

  async #proceedIn(partition: number, context: PrepareContext<ProfileRecord>): Promise<void> {
    for (const workspace of this.#workspaces) {
      const switching = this.options.engines.switching(workspace, partition);
      if (switching === null) continue;
      const ids = await this.#nextIds(switching.row);
      await this.#move(ids, switching, context);
      const { row } = switching;
      const isDone = ids.length < CHUNK_PROFILES;
      const next: SwitchRow = isDone
        ? { ...row, version: row.nextVersion as number, nextVersion: null, cursor: null, doneProfiles: row.doneProfiles + ids.length }
        : { ...row, cursor: ids[ids.length - 1] as string, doneProfiles: row.doneProfiles + ids.length };
      context.write(upsertSwitch(next));
      await this.options.engines.adopt(next);
      if (isDone) this.lookAgain();
      // One workspace a batch and partition: two writes of one batch must not touch the same row.
      return;
    }
  }

  #nextIds({ workspace, partition, cursor }: SwitchRow): Promise<string[]> {
    const shards = Array.from({ length: SHARDS / this.options.partitions }, (_, index) => index * this.options.partitions + partition);
    return this.options.records.idsAfter(workspace, shards, cursor, CHUNK_PROFILES);
  }

  async #move(ids: readonly string[], switching: Switch, context: PrepareContext<ProfileRecord>): Promise<void> {
    if (ids.length === 0) return;
    const { row: { workspace, partition }, old, next, plan } = switching;
    const at = context.partitions.find((place) => place.partition === partition);
    if (at === undefined) return;
    const keys = ids.map((profileId) => ({ workspace, profileId }));
    const [records, history] = await Promise.all([
      context.states(keys),
      this.options.history.read({ workspace, profileIds: ids, upToSequence: at.appliedOffset, needs: plan.history, untilMs: at.watermarkMs }),
    ]);
    for (const key of keys) {
      const record = records.get(key.profileId) as ProfileRecord;
      if (record.mergedInto === null) this.#moveOne(record, { old, next, plan }, history.get(key.profileId) ?? [], at.watermarkMs, switching);
      else record.rules = next.newState(record.profileId);
      record.engine = next;
      context.touch(key);
    }
  }

  #moveOne(record: ProfileRecord, engines: Parameters<typeof rebuild>[0], history: Parameters<typeof rebuild>[2], watermarkMs: number, { oldDefinitions }: Switch): void {
    const atMs = Math.max(watermarkMs, record.appliedMs);
    if (record.awaiting.size === 0) addChanges(record, engines.old.advance(record.rules, atMs), 'time');
    const { state, flips } = rebuild(engines, record.rules, history, atMs);
    record.rules = state;
    // Most profiles are untouched by most definitions: what has not changed is not written.
    record.dirty ||= record.stored === null || record.journal.chunks > 0 || !engines.next.encode(state).equals(record.stored);
    const known = new Set(oldDefinitions.segments.map(({ key }) => key));
    for (const flip of flips) addChanges(record, [flip], causeOf(flip.segment, known));
  }
}

function causeOf(segment: string, known: ReadonlySet<string>): ChangeCause {
  return known.has(segment) ? 'definition' : 'backfill';
}

function upsertSwitch({ workspace, partition, version, nextVersion, cursor, doneProfiles }: SwitchRow): Write {
  return {
    text: `insert into segmentation.switches (workspace, partition, version, next_version, cursor, done_profiles)
      values ($1, $2::int, $3::bigint, $4::bigint, $5::uuid, $6::bigint)
      on conflict (workspace, partition) do update set version = excluded.version, next_version = excluded.next_version,
        cursor = excluded.cursor, done_profiles = excluded.done_profiles`,
    values: [workspace, partition, version, nextVersion, cursor, doneProfiles],
  };
}
