// The tables of libs/stream and of the tallying stage, and the few statements that are asked of them, known by their shape.
// simulated-tables.test.ts asks the same of PostgreSQL.
import { splitStatement } from './split-statement.js';

interface ProgressRow {
  stage: string; partition: number; epoch: number; owner: string; next_offset: number | null; positions: unknown; out_offset: number; watermark_ms: number | null;
}

interface TimerRow {
  stage: string; shard: number; workspace: string; profile_id: string; due_ms: number;
}

interface OutboxRow {
  id: number; stage: string; partitions: readonly number[]; payload: Buffer;
}

/** A guard that is taken away, to see that the simulation notices. */
export type MissingGuard = 'fence' | 'epoch' | 'outbox';

type Values = readonly unknown[];
type Rows = readonly object[];

export class SimulatedTables {
  readonly progress = new Map<string, ProgressRow>();
  readonly timers = new Map<string, TimerRow>();
  readonly tallies = new Map<string, string>();
  readonly outbox = new Map<number, OutboxRow>();
  #outboxId = 0;

  constructor(private readonly without?: MissingGuard) {}

  /** Everything in it happens, or nothing does. @throws as PostgreSQL would */
  run(text: string, values: Values): Rows {
    const parts = splitStatement(text);
    const fence = parts.find((part) => part.text.startsWith('update stream.progress'));
    if (fence !== undefined) this.#checkFence(values.slice(fence.from, fence.from + fence.count));
    let rows: Rows = [];
    let outboxId: number | null = null;
    for (const part of parts) {
      rows = this.#runPart(part.text, values.slice(part.from, part.from + part.count));
      if (part.text.startsWith('insert into stream.outbox')) outboxId = (rows[0] as { id: number } | undefined)?.id ?? null;
    }
    return fence === undefined ? rows : [{ outbox_id: outboxId }];
  }

  #runPart(text: string, values: Values): Rows {
    for (const [shape, answer] of SHAPES) if (shape.test(text)) return answer.call(this, values);
    throw new Error(`The simulated tables do not know this statement; teach them: ${text}`);
  }

  #checkFence([stages, partitions, epochs, expected]: Values): void {
    if (this.without === 'fence') return;
    const held = (stages as string[]).filter((stage, index) => {
      const row = this.progress.get(`${stage} ${(partitions as number[])[index]}`);
      return row !== undefined && row.epoch === (epochs as number[])[index] && row.next_offset === (expected as (number | null)[])[index];
    });
    if (held.length < (stages as string[]).length) throw Object.assign(new Error(`fenced: ${held.length} of ${(stages as string[]).length}`), { code: 'TB001' });
  }

  claim([stages, partitions, owner]: Values): Rows {
    return eachOf(stages, partitions).map(([stage, partition]) => {
      const key = `${stage} ${partition}`;
      const row = this.progress.get(key) ?? { stage, partition, epoch: 0, owner: '', next_offset: null, positions: [], out_offset: 0, watermark_ms: null };
      this.progress.set(key, { ...row, epoch: this.without === 'epoch' ? 1 : row.epoch + 1, owner: owner as string });
      return { ...this.progress.get(key) };
    });
  }

  reread([stages, partitions, owner]: Values): Rows {
    return eachOf(stages, partitions).flatMap(([stage, partition]) => this.progress.get(`${stage} ${partition}`) ?? []).filter((row) => row.owner === owner).map((row) => {
      if (this.without !== 'epoch') row.epoch++;
      return { ...row };
    });
  }

  advance([stages, partitions, epochs, expected, nextOffsets, positions, outOffsets, watermarks]: Values): Rows {
    return (stages as string[]).flatMap((stage, index) => {
      const row = this.progress.get(`${stage} ${at(partitions, index)}`);
      if (row === undefined || row.epoch !== at(epochs, index) || row.next_offset !== at(expected, index)) return [];
      row.next_offset = at(nextOffsets, index);
      row.positions = JSON.parse(at(positions, index));
      row.out_offset = at(outOffsets, index);
      row.watermark_ms = at(watermarks, index);
      return [{}];
    });
  }

  insertOutbox([stage, partitions, payload]: Values): Rows {
    if (this.without === 'outbox') return [];
    const id = ++this.#outboxId;
    this.outbox.set(id, { id, stage: stage as string, partitions: partitions as number[], payload: payload as Buffer });
    return [{ id }];
  }

  deleteOutbox([ids]: Values): Rows {
    for (const id of ids as number[]) this.outbox.delete(id);
    return [];
  }

  pendingOutbox([stage, partitions]: Values): Rows {
    const wanted = new Set(partitions as number[]);
    return [...this.outbox.values()].filter((row) => row.stage === stage && row.partitions.some((partition) => wanted.has(partition))).map(({ id, payload }) => ({ id, payload }));
  }

  upsertTimers([stage, shards, workspaces, profileIds, due]: Values): Rows {
    (profileIds as string[]).forEach((profile_id, index) => {
      this.timers.set(`${stage as string} ${profile_id}`, { stage: stage as string, shard: at(shards, index), workspace: at(workspaces, index), profile_id, due_ms: at(due, index) });
    });
    return [];
  }

  deleteTimers([stage, , profileIds]: Values): Rows {
    for (const id of profileIds as string[]) this.timers.delete(`${stage as string} ${id}`);
    return [];
  }

  loadTimers([stage, , profileIds]: Values): Rows {
    return (profileIds as string[]).flatMap((id) => this.timers.get(`${stage as string} ${id}`) ?? []).map(({ profile_id, due_ms }) => ({ profile_id, due_ms }));
  }

  timersAfter([stage, dueMs, profileId, partitions, owned, max]: Values): Rows {
    const isAfter = (row: TimerRow): boolean => row.due_ms > (dueMs as number) || (row.due_ms === dueMs && row.profile_id > (profileId as string));
    const isOurs = (row: TimerRow): boolean => (owned as number[]).includes(row.shard % (partitions as number));
    return [...this.timers.values()].filter((row) => row.stage === stage && isAfter(row) && isOurs(row))
      .sort((left, right) => left.due_ms - right.due_ms || (left.profile_id < right.profile_id ? -1 : 1))
      .slice(0, max as number).map(({ workspace, profile_id, due_ms }) => ({ workspace, profile_id, due_ms }));
  }

  saveTallies([stage, profileIds, tallies]: Values): Rows {
    (profileIds as string[]).forEach((id, index) => this.tallies.set(`${stage as string} ${id}`, at(tallies, index)));
    return [];
  }

  loadTallies([stage, profileIds]: Values): Rows {
    return (profileIds as string[]).flatMap((profile_id) => {
      const tally = this.tallies.get(`${stage as string} ${profile_id}`);
      return tally === undefined ? [] : [{ profile_id, tally }];
    });
  }
}

const SHAPES: readonly (readonly [RegExp, (this: SimulatedTables, values: Values) => Rows])[] = [
  [/^update stream\.progress p\s+set next_offset/, SimulatedTables.prototype.advance],
  [/^insert into stream\.outbox/, SimulatedTables.prototype.insertOutbox],
  [/^delete from stream\.outbox where id = any/, SimulatedTables.prototype.deleteOutbox],
  [/^insert into stream\.timers/, SimulatedTables.prototype.upsertTimers],
  [/^delete from stream\.timers/, SimulatedTables.prototype.deleteTimers],
  [/^insert into tallies/, SimulatedTables.prototype.saveTallies],
  [/^select profile_id, tally from tallies/, SimulatedTables.prototype.loadTallies],
  [/^select k\.profile_id, t\.due_ms/, SimulatedTables.prototype.loadTimers],
  [/^select workspace, profile_id, due_ms from stream\.timers/, SimulatedTables.prototype.timersAfter],
  [/^select id, payload from stream\.outbox/, SimulatedTables.prototype.pendingOutbox],
  [/^insert into stream\.progress as p/, SimulatedTables.prototype.claim],
  [/^with ours as \(\s+select stage, partition from stream\.progress .* for update\)\s+update stream\.progress p set epoch/s, SimulatedTables.prototype.reread],
];

function eachOf(stages: unknown, partitions: unknown): [string, number][] {
  return [...(stages as string[])].sort().flatMap((stage) => [...(partitions as number[])].sort((a, b) => a - b).map((partition): [string, number] => [stage, partition]));
}

function at<Item>(values: unknown, index: number): Item {
  return (values as Item[])[index] as Item;
}
