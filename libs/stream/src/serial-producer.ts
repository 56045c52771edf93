import type { LogProducer } from './log.js';
import type { OutRecord } from './stage.js';

/** Below the broker's default for one batch, 1 MB: what goes to one partition in one request is one. A larger record goes alone. */
const REQUEST_BYTES_MAX = 786_432;

/** One send at a time keeps the order in which batches were committed; a large one goes as several requests. */
export class SerialProducer implements LogProducer {
  #last: Promise<unknown> = Promise.resolve();

  /** @param request resolves once all replicas have the records; rejects when some may not have arrived */
  constructor(private readonly request: (records: readonly OutRecord[]) => Promise<void>) {}

  send(records: readonly OutRecord[]): Promise<void> {
    const sent = this.#last.then(() => this.#send(records));
    this.#last = sent.catch(() => undefined);
    return sent;
  }

  async #send(records: readonly OutRecord[]): Promise<void> {
    let from = 0;
    let bytes = 0;
    for (let index = 0; index < records.length; index++) {
      const size = bytesOf(records[index] as OutRecord);
      if (index > from && bytes + size > REQUEST_BYTES_MAX) {
        await this.request(records.slice(from, index));
        from = index;
        bytes = 0;
      }
      bytes += size;
    }
    if (records.length > 0) await this.request(from === 0 ? records : records.slice(from));
  }
}

/** With what a record costs beside key and value. */
function bytesOf({ key, value, headers }: OutRecord): number {
  let bytes = 32 + (key?.length ?? 0) + (value?.length ?? 0);
  for (const name in headers) bytes += name.length + (headers[name] as string).length + 8;
  return bytes;
}
