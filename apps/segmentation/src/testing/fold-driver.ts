import type { Entry } from '@tributary/contracts/entry';
import type { SegmentChange } from '@tributary/contracts/change';
import type { Transfer } from '@tributary/contracts/transfer';
import type { Write } from '@tributary/postgres/write';
import type { OutRecord, PrepareContext, ProfileKey } from '@tributary/stream/stage';
import { ChangeLog } from '../change-log.js';
import { DefinitionSwitch } from '../definition-switch.js';
import { DefinitionsStore } from '../definitions.postgres.js';
import { EngineDirectory } from '../engine-directory.js';
import { HeldEntries } from '../held-entries.postgres.js';
import { History } from '../history.postgres.js';
import { ListChanges } from '../list-change.js';
import type { ProfileRecord } from '../profile-record.js';
import { ProfileRecords } from '../profile-records.postgres.js';
import { SegmentationFold } from '../segmentation-fold.js';
import type { SegmentationDatabase } from './segmentation-database.js';

export const SECRET = 'a secret of thirty-two characters';
const PARTITION = 0;
const CHUNKS_MAX = 100;

/** What the stream library does with the fold: batches, commits, and a fresh start after a failure. One partition. */
export class FoldDriver {
  readonly lists = new ListChanges(SECRET);
  /** Told by batches that were committed, in order. */
  readonly changes: SegmentChange[] = [];
  /** The records that told them. */
  readonly records: OutRecord[] = [];
  /** What was told of definitions, committed or not. */
  readonly definitions: OutRecord[] = [];
  /** States of merged profiles on their way. */
  readonly transfers: Transfer[] = [];
  fold!: SegmentationFold;
  #definitionSwitch!: DefinitionSwitch;
  #states = new Map<string, ProfileRecord>();
  #sequence = 0;
  #watermarkMs = 0;

  constructor(private readonly database: SegmentationDatabase) {
    this.restart();
  }

  /** Another process takes over: nothing but what is stored is known. */
  restart(): void {
    const { pool } = this.database;
    const store = new DefinitionsStore(pool);
    const engines = new EngineDirectory(store);
    const records = new ProfileRecords(pool);
    const definitionSwitch = (this.#definitionSwitch = new DefinitionSwitch({ partitions: 1, store, engines, records, history: new History(pool, this.lists), clock: Date.now }));
    this.fold = new SegmentationFold({
      partitions: 1, engines, records, held: new HeldEntries(pool), definitionSwitch, lists: this.lists, changes: new ChangeLog(pool, { partitions: 1, clock: () => this.#watermarkMs }),
      transferRecord: (transfer) => {
        this.transfers.push(transfer);
        return { topic: 'inbound.events', key: null, value: null };
      },
    });
    this.fold.reset([PARTITION]);
    this.#states = new Map();
  }

  /** One batch of entries, after scoring wrote them to the history. */
  async apply(...entries: readonly Entry[]): Promise<void> {
    for (const entry of entries) if (entry.kind === 'event') await this.#remember(entry);
    const touched = await this.#load(entries);
    for (const entry of entries) {
      const record = touched.get(entry.profileId) as ProfileRecord;
      this.fold.advance(record, entry.appendedAtMs);
      this.fold.apply(record, entry, EMITTER);
      this.#watermarkMs = Math.max(this.#watermarkMs, entry.appendedAtMs);
    }
    await this.#commit([...touched.values()], []);
  }

  /** Time passes for everybody known here. */
  async passTime(untilMs: number): Promise<void> {
    this.#watermarkMs = untilMs;
    for (const record of this.#states.values()) this.fold.advance(record, untilMs);
    await this.#commit([...this.#states.values()], []);
  }

  /** One chunk of what the stage has to do besides entries. @param dies before the commit */
  async prepare({ dies = false } = {}): Promise<void> {
    const touched: ProfileRecord[] = [];
    const writes: Write[] = [];
    const context: PrepareContext<ProfileRecord> = {
      partitions: [{ partition: PARTITION, watermarkMs: this.#watermarkMs, appliedOffset: this.#sequence }],
      states: (keys) => this.#load(keys),
      touch: ({ profileId }) => void touched.push(this.#states.get(profileId) as ProfileRecord),
      emitFor: () => ({ ...EMITTER, record: (record) => void this.definitions.push(record) }),
      write: (write) => void writes.push(write),
    };
    await this.fold.prepare(context);
    if (dies) this.restart();
    else await this.#commit(touched, writes);
  }

  /** Definitions changed: until all follow them. */
  async prepareAll(): Promise<void> {
    this.#definitionSwitch.lookAgain();
    for (let chunks = 0; this.fold.hasWork(); chunks++) {
      if (chunks === CHUNKS_MAX) throw new Error('the switch does not come to an end');
      await this.prepare();
    }
  }

  async #load(keys: readonly ProfileKey[]): Promise<Map<string, ProfileRecord>> {
    const missing = keys.filter(({ profileId }) => !this.#states.has(profileId));
    for (const [profileId, record] of await this.fold.load(missing)) this.#states.set(profileId, record);
    for (const key of missing) if (!this.#states.has(key.profileId)) this.#states.set(key.profileId, this.fold.create(key));
    return new Map(keys.map(({ profileId }) => [profileId, this.#states.get(profileId) as ProfileRecord]));
  }

  async #commit(touched: readonly ProfileRecord[], writes: readonly Write[]): Promise<void> {
    const records: OutRecord[] = [];
    const saved = await this.fold.save(touched.map((state) => ({ key: state, state })), (record) => void records.push(record));
    await this.database.commit([...saved, ...writes]);
    this.records.push(...records);
    this.changes.push(...records.map(({ value }) => JSON.parse(String(value)) as SegmentChange));
  }

  async #remember({ workspace, profileId, messageId, type, name, timestampMs, appendedAtMs, body }: Entry): Promise<void> {
    this.#sequence++;
    await this.database.pool.query('insert into scoring.history values ($1, $2, 0, $3, $4, $5, $6, $7, $8, $9)', [workspace, profileId, messageId, type, name, timestampMs, appendedAtMs, this.#sequence, body.toString()]);
  }
}

const EMITTER = {
  forward: () => 0,
  record: () => undefined,
  drop: () => undefined,
  park: () => undefined,
};
