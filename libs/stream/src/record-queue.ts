import type { LogRecord } from './stage.js';

/** Fetched records that wait for the next batch; beyond, reading pauses. */
const BYTES_MAX = 16_777_216;
const RECORDS_MAX = 20_000;
const BATCH_RECORDS_MAX = 2_000;
const BATCH_BYTES_MAX = 4_194_304;

/** Between reading and deciding. Who brings more than fits waits: that is the backpressure. */
export class RecordQueue {
  #records: LogRecord[] = [];
  #bytes = 0;
  #waiting: (() => void)[] = [];
  #closed = false;

  get length(): number {
    return this.#records.length;
  }

  /** Resolves when more may be brought. */
  push(records: readonly LogRecord[]): Promise<void> {
    for (const record of records) {
      this.#records.push(record);
      this.#bytes += record.value?.length ?? 0;
    }
    if (this.#closed || (this.#bytes < BYTES_MAX && this.#records.length < RECORDS_MAX)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The next records in order of arrival, within the bounds of a batch. */
  take(recordsMax = BATCH_RECORDS_MAX): LogRecord[] {
    let count = 0;
    let bytes = 0;
    while (count < this.#records.length && count < recordsMax && bytes < BATCH_BYTES_MAX) bytes += this.#records[count++]?.value?.length ?? 0;
    this.#bytes -= bytes;
    const taken = this.#records.splice(0, count);
    if (this.#bytes < BYTES_MAX / 2 && this.#records.length < RECORDS_MAX / 2) this.#release();
    return taken;
  }

  clear(): void {
    this.#records = [];
    this.#bytes = 0;
    this.#release();
  }

  /** Nobody waits for room any more. */
  close(): void {
    this.#closed = true;
    this.#release();
  }

  #release(): void {
    for (const resume of this.#waiting.splice(0)) resume();
  }
}
