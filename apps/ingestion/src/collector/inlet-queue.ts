import { Problem } from '@tributary/service/problem';
import type { LogProducer } from '@tributary/stream/log';
import type { OutRecord } from '@tributary/stream/stage';

/** Bytes of one send: a broker takes about a megabyte for one partition at once, and all may go to one. */
const SEND_BYTES_MAX = 900_000;
/** What waits for the broker, over all requests. Beyond, callers are asked to come back. */
const WAITING_BYTES_MAX = 32 * 1024 * 1024;
/** A request waits this long at most. What was sent meanwhile may still arrive: message ids make a repeat harmless. */
const ANSWER_MS_MAX = 10_000;
/** What the broker adds to each record, roughly. */
const RECORD_OVERHEAD_BYTES = 100;

interface Group {
  readonly records: OutRecord[];
  bytes: number;
  readonly done: Promise<void>;
  resolve(): void;
  reject(problem: Problem): void;
  isGivenUp: boolean;
}

/**
 * Appends to the inlet: whatever comes in while one send is under way goes with the next, so that many requests share the
 * cost of one. Resolves once all replicas have the records.
 */
export class InletQueue {
  readonly #groups: Group[] = [];
  #waitingBytes = 0;
  #isSending = false;

  constructor(private readonly producer: () => Promise<LogProducer>) {}

  /** @throws Problem 429 when too much waits, 503 when the broker does not take it in time */
  async append(records: readonly OutRecord[]): Promise<void> {
    const bytes = records.reduce((sum, record) => sum + sizeOf(record), 0);
    if (this.#waitingBytes + bytes > WAITING_BYTES_MAX) {
      throw new Problem(429, 'too_many_requests', 'More comes in than the broker takes. Send again after Retry-After seconds.', [], 1);
    }
    this.#waitingBytes += bytes;
    const groups = new Set<Group>();
    for (const record of records) groups.add(this.#enqueue(record));
    if (!this.#isSending) this.#sendSoon();
    await Promise.all([...groups].map((group) => group.done));
  }

  #enqueue(record: OutRecord): Group {
    const size = sizeOf(record);
    let group = this.#groups.at(-1);
    if (group === undefined || (group.bytes > 0 && group.bytes + size > SEND_BYTES_MAX)) {
      group = newGroup();
      this.#groups.push(group);
    }
    group.records.push(record);
    group.bytes += size;
    return group;
  }

  /** Requests that are being read in this turn of the loop still go along. */
  #sendSoon(): void {
    this.#isSending = true;
    setImmediate(() => void this.#sendAll());
  }

  async #sendAll(): Promise<void> {
    for (let group = this.#groups.shift(); group !== undefined; group = this.#groups.shift()) {
      if (!group.isGivenUp) await this.#send(group);
      this.#waitingBytes -= group.bytes;
    }
    this.#isSending = false;
  }

  async #send(group: Group): Promise<void> {
    try {
      const producer = await this.producer();
      await producer.send(group.records);
      group.resolve();
    } catch {
      group.reject(unavailable());
    }
  }
}

function newGroup(): Group {
  let resolve = (): void => undefined;
  let reject = (_: Problem): void => undefined;
  const done = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  // Whoever waits hears of it; nobody may be left.
  done.catch(() => undefined);
  const group: Group = { records: [], bytes: 0, done, resolve, reject, isGivenUp: false };
  const timer = setTimeout(() => {
    group.isGivenUp = true;
    reject(unavailable());
  }, ANSWER_MS_MAX);
  void done.then(() => clearTimeout(timer), () => clearTimeout(timer));
  return group;
}

function sizeOf({ key, value, headers }: OutRecord): number {
  let bytes = RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
  for (const name in headers) bytes += name.length + (headers[name] as string).length;
  return bytes;
}

function unavailable(): Problem {
  return new Problem(503, 'unavailable', 'The broker does not take events at the moment. Send the same events again later: those that arrived count once.', [], 1);
}
