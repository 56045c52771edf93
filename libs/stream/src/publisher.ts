import type { Pool } from '@tributary/postgres/pool';
import { joinWrites } from '@tributary/postgres/write';
import type { Batch } from './batch.js';
import type { LogProducer } from './log.js';
import { deleteOutbox, insertOutbox, pendingOutbox } from './outbox.js';
import { fencedStatement } from './progress.js';
import type { OutRecord } from './stage.js';

/** Commits batches and sends them, in that order. */
export class Publisher {
  /** Outbox rows that have been sent: the next batch's statement deletes them. */
  #sent: readonly number[] = [];
  /** What is on its way. */
  #sending: Promise<void> = Promise.resolve();

  /** The last send failed, and nobody has been told yet. */
  hasFailed = false;

  /**
   * @param outbox under which name what is sent is kept until it has been; null for a line without keyed stages
   * @param onFailure wakes who will ask `arrived`
   */
  constructor(private readonly pool: Pool, private readonly producer: () => Promise<LogProducer>, private readonly outbox: string | null, private readonly onFailure: () => void) {}

  /**
   * One fenced statement, then one send. Resolves once committed: the next batch is decided while this one is on its way,
   * and commits after it has arrived. After an error the outcome is unknown: `sendPending` repairs it.
   * @param partitions all that the line owns: whoever takes one over sends what we could not
   * @param whenSent runs once everything has arrived, before the next batch commits
   */
  async publish(batch: Batch, partitions: readonly number[], out: readonly OutRecord[], whenSent: () => void): Promise<void> {
    await this.arrived();
    let id: number | null = null;
    if (this.outbox === null) {
      if (batch.writes.length > 0) await this.pool.query(joinWrites(batch.writes));
    } else if (batch.advances.length > 0 || batch.writes.length > 0 || out.length > 0) {
      const writes = this.#sent.length > 0 ? [...batch.writes, deleteOutbox(this.#sent)] : batch.writes;
      const row = out.length > 0 ? insertOutbox(this.outbox, partitions, out) : null;
      const { rows } = await this.pool.query<{ outbox_id: number | null }>(fencedStatement(batch.advances, writes, row));
      id = rows[0]?.outbox_id ?? null;
      this.#sent = [];
    }
    this.#sending = this.#sendRow(id, out).then(whenSent);
    this.#sending.catch(() => {
      this.hasFailed = true;
      this.onFailure();
    });
  }

  /** @throws what became of the last send; it is told once */
  async arrived(): Promise<void> {
    const sending = this.#sending;
    this.#sending = Promise.resolve();
    try {
      await sending;
    } finally {
      this.hasFailed = false;
    }
  }

  /** A row counts as sent only then: a line that is stopped after a failed send must not take away what nobody has sent. */
  async #sendRow(id: number | null, out: readonly OutRecord[]): Promise<void> {
    if (out.length > 0) await this.#send(out);
    if (id !== null) this.#sent = [id];
  }

  async #send(out: readonly OutRecord[]): Promise<void> {
    await (await this.producer()).send(out);
  }

  /** What was committed for these partitions and perhaps not sent goes out before anything new: repeats are harmless. */
  async sendPending(partitions: readonly number[]): Promise<void> {
    if (this.outbox === null) return;
    const pending = await pendingOutbox(this.pool, this.outbox, partitions);
    for (const { records } of pending) await this.#send(records);
    this.#sent = pending.map(({ id }) => id);
  }

  /** After the last batch: what has been sent need not be sent again by the next owner. */
  async forgetSent(): Promise<void> {
    await this.arrived();
    const sent = this.#sent;
    this.#sent = [];
    if (sent.length > 0) await this.pool.query(joinWrites([deleteOutbox(sent)]));
  }
}
