import type { ChangeCause } from '@tributary/contracts/change';
import { partitionOf, SHARDS } from '@tributary/contracts/shard';
import { rebuild } from '@tributary/domain/segmentation/rebuild-state';
import type { Write } from '@tributary/postgres/write';
import type { PrepareContext } from '@tributary/stream/stage';
import { addChanges } from './collect-changes.js';
import type { DefinitionsStore, SwitchRow } from './definitions.postgres.js';
import type { EngineDirectory, Switch } from './engine-directory.js';
import type { History } from './history.postgres.js';
import type { ProfileRecord } from './profile-record.js';
import type { ProfileRecords } from './profile-records.postgres.js';
import { type Applied, type Chunk, ReadAhead } from './read-ahead.js';
import { SwitchPace } from './switch-pace.js';
import { tellDefinitions, TELLING_PARTITION } from './tell-definitions.js';

/** Definitions changed elsewhere are noticed after this long, should the nudge be lost. */
const LOOK_EVERY_MS = 2_000;
/** Belongs to the partition that tells. */
const FIRST_PROFILE = '00000000-0000-0000-0000-000000000000';

/**
 * Moves partitions from one definitions version to the next, profile by profile, while live entries flow: each profile
 * follows one version wholly, and its history as of the applied position decides. So a new segment has the members it
 * would have had if always defined, and an edit emits exactly the difference.
 */
export class DefinitionSwitch {
  #lookedMs = 0;
  /** The partition that was served last: they take turns. */
  #served = -1;
  readonly #pace = new SwitchPace();
  readonly #ahead: ReadAhead;

  constructor(
    private readonly options: { readonly partitions: number; readonly store: DefinitionsStore; readonly engines: EngineDirectory; readonly records: ProfileRecords; readonly history: History; readonly clock: () => number },
  ) {
    const { partitions, records, history } = options;
    this.#ahead = new ReadAhead({
      records, history,
      shardsOf: (partition) => Array.from({ length: SHARDS / partitions }, (_, index) => index * partitions + partition),
      partitionOf: (profileId) => partitionOf(profileId, partitions),
    });
  }

  /** The partitions owned have changed, or what was done last may not be true. */
  reset(): void {
    this.#ahead.clear();
    this.#pace.rest();
    this.lookAgain();
  }

  /** Something is applied to a profile. */
  note(profileId: string): void {
    this.#ahead.note(profileId);
  }

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
    if (!this.options.engines.isSwitching()) {
      this.#pace.rest();
      return;
    }
    const size = this.#pace.next(now);
    const places = context.partitions.map(({ partition }) => partition).sort((left, right) => turnOf(left, this.#served) - turnOf(right, this.#served));
    for (const partition of places) {
      if (!(await this.#proceedIn(partition, context, size))) continue;
      this.#served = partition;
      return;
    }
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

  /** Moves the next profiles of a partition; false where none are to be moved. */
  async #proceedIn(partition: number, context: PrepareContext<ProfileRecord>, size: number): Promise<boolean> {
    const place = context.partitions.find((one) => one.partition === partition);
    const switching = this.#workspaces.map((workspace) => this.options.engines.switching(workspace, partition)).find((one) => one !== null);
    if (place === undefined || switching === null || switching === undefined) return false;
    const at = { upToSequence: place.appliedOffset, watermarkMs: place.watermarkMs };
    const { ids, rows, isLast } = await this.#ahead.take(switching, at, size);
    const { row } = switching;
    await this.#move({ ids, rows }, switching, at, context);
    const doneProfiles = row.doneProfiles + ids.length;
    const next: SwitchRow = isLast
      ? { ...row, version: row.nextVersion as number, nextVersion: null, cursor: null, doneProfiles }
      : { ...row, cursor: ids[ids.length - 1] as string, doneProfiles };
    context.write(upsertSwitch(next));
    await this.options.engines.adopt(next);
    if (isLast && partition === TELLING_PARTITION) this.#tell(switching, context);
    if (isLast) this.lookAgain();
    else this.#ahead.begin(switching, next.cursor, at, size);
    return true;
  }

  #tell({ row: { workspace }, oldDefinitions, nextDefinitions }: Switch, context: PrepareContext<ProfileRecord>): void {
    const emit = context.emitFor({ workspace, profileId: FIRST_PROFILE });
    for (const record of tellDefinitions(oldDefinitions, nextDefinitions)) emit.record(record);
  }

  async #move({ ids, rows }: Pick<Chunk, 'ids' | 'rows'>, switching: Switch, { watermarkMs }: Applied, context: PrepareContext<ProfileRecord>): Promise<void> {
    if (ids.length === 0) return;
    const { row: { workspace }, old, next, plan } = switching;
    const keys = ids.map((profileId) => ({ workspace, profileId }));
    const records = await context.states(keys);
    const history = this.options.history.entriesOf(rows, { workspace, profileIds: ids, needs: plan.history, untilMs: watermarkMs });
    const known = new Set(switching.oldDefinitions.segments.map(({ key }) => key));
    for (const key of keys) {
      const record = records.get(key.profileId) as ProfileRecord;
      if (record.mergedInto === null) this.#moveOne(record, { old, next, plan }, history.get(key.profileId) ?? [], { watermarkMs, known });
      else record.rules = next.newState(record.profileId);
      record.engine = next;
      context.touch(key);
    }
  }

  #moveOne(record: ProfileRecord, engines: Parameters<typeof rebuild>[0], history: Parameters<typeof rebuild>[2], { watermarkMs, known }: { readonly watermarkMs: number; readonly known: ReadonlySet<string> }): void {
    const atMs = Math.max(watermarkMs, record.appliedMs);
    if (record.awaiting.size === 0) addChanges(record, engines.old.advance(record.rules, atMs), 'time');
    const { state, flips } = rebuild(engines, record.rules, history, atMs);
    record.rules = state;
    // Most profiles are untouched by most definitions: what has not changed is not written.
    record.dirty ||= record.stored === null || record.journal.chunks > 0 || !engines.next.encode(state).equals(record.stored);
    for (const flip of flips) addChanges(record, [flip], causeOf(flip.segment, known));
  }
}

/** Whose turn comes first after the partition served last. */
function turnOf(partition: number, served: number): number {
  return partition > served ? partition : partition + SHARDS;
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
