import type { Switch } from './engine-directory.js';
import type { History, HistoryRow } from './history.postgres.js';
import type { ProfileRecords } from './profile-records.postgres.js';

/** The next profiles of a switch, in order, with what history says of them as of the applied position. */
export interface Chunk {
  readonly ids: readonly string[];
  readonly rows: ReadonlyMap<string, readonly HistoryRow[]>;
  /** No profile comes after these. */
  readonly isLast: boolean;
}

/** Where a partition stands when a chunk is read. */
export interface Applied {
  readonly upToSequence: number;
  readonly watermarkMs: number;
}

interface Ahead {
  readonly switching: Switch;
  readonly cursor: string | null;
  readonly chunk: Promise<Chunk>;
  /** Profiles to which something was applied since: they may be new, and their history has grown. */
  readonly touched: Set<string>;
}

/**
 * Reads the next chunk of a partition's switch while batches go on. Whatever is applied meanwhile is noted, and its
 * profiles are read once more, so that a chunk is what it would be had it been read at the last moment.
 */
export class ReadAhead {
  readonly #ahead = new Map<number, Ahead>();

  constructor(private readonly options: { readonly records: ProfileRecords; readonly history: History; readonly shardsOf: (partition: number) => readonly number[]; readonly partitionOf: (profileId: string) => number }) {}

  /** Something is applied to a profile. */
  note(profileId: string): void {
    if (this.#ahead.size > 0) this.#ahead.get(this.options.partitionOf(profileId))?.touched.add(profileId);
  }

  /** Reads what comes behind `cursor`; what is applied from now on is noted. */
  begin(switching: Switch, cursor: string | null, at: Applied, size: number): void {
    const chunk = this.#read(switching, cursor, at, size);
    // Whoever takes it hears of a failure.
    chunk.catch(() => undefined);
    this.#ahead.set(switching.row.partition, { switching, cursor, chunk, touched: new Set() });
  }

  /** The chunk behind the switch's cursor, as of now. */
  async take(switching: Switch, at: Applied, size: number): Promise<Chunk> {
    const { partition, workspace, cursor, nextVersion } = switching.row;
    const ahead = this.#ahead.get(partition);
    this.#ahead.delete(partition);
    const isOurs = ahead !== undefined && ahead.cursor === cursor && ahead.switching.row.workspace === workspace && ahead.switching.row.nextVersion === nextVersion;
    if (!isOurs) return this.#read(switching, cursor, at, size);
    const read = await ahead.chunk;
    const last = read.ids[read.ids.length - 1];
    const touched = [...ahead.touched].filter((id) => (cursor === null || id > cursor) && (read.isLast || (last !== undefined && id <= last)));
    if (touched.length === 0) return read;
    // Of those touched, some may be of another workspace, or not stored yet.
    const known = await this.options.records.stored(workspace, touched);
    const again = await this.#rowsOf(switching, known, at);
    const rows = new Map(read.rows);
    for (const id of known) rows.set(id, again.get(id) ?? []);
    return { ids: [...new Set([...read.ids, ...known])].sort(), rows, isLast: read.isLast };
  }

  /** Nothing that was read holds any more. */
  clear(): void {
    this.#ahead.clear();
  }

  async #read(switching: Switch, cursor: string | null, at: Applied, size: number): Promise<Chunk> {
    const { workspace, partition } = switching.row;
    const ids = await this.options.records.idsAfter(workspace, this.options.shardsOf(partition), cursor, size);
    return { ids, rows: await this.#rowsOf(switching, ids, at), isLast: ids.length < size };
  }

  async #rowsOf({ row: { workspace }, plan }: Switch, profileIds: readonly string[], at: Applied): Promise<ReadonlyMap<string, readonly HistoryRow[]>> {
    return profileIds.length === 0 ? new Map() : this.options.history.rows({ workspace, profileIds, needs: plan.history, ...at });
  }
}
