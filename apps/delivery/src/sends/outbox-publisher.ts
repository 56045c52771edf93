import { partitionOf } from '@tributary/contracts/shard';
import { messagesSent } from '@tributary/contracts/topics/messages-sent';
import type { InletWriter } from '@tributary/service/inlet-writer';
import { newTraceparent } from '@tributary/service/traceparent';
import type { LogProducer } from '@tributary/stream/log';
import type { Outbox, OutboxRow } from './outbox.postgres.js';
import { WorkLoop } from './work-loop.js';

const BATCH_MAX = 500;
/** What another process left behind is found this soon. */
const IDLE_MS = 5_000;

/** Publishes what was decided: decisions to `messages.sent`, events back to the inlet. At least once, oldest first. */
export class OutboxPublisher {
  readonly #loop = new WorkLoop({ name: 'outbox', work: () => this.#work() });

  constructor(
    private readonly outbox: Outbox,
    private readonly producer: LogProducer,
    private readonly inlet: Pick<InletWriter, 'write'>,
    private readonly partitions: number,
  ) {}

  start(): void {
    this.#loop.start();
  }

  wake(): void {
    this.#loop.wake();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  async #work(): Promise<number> {
    const published = await this.outbox.drain(BATCH_MAX, (rows) => this.#publish(rows));
    return published > 0 ? 0 : IDLE_MS;
  }

  async #publish(rows: readonly OutboxRow[]): Promise<void> {
    const decisions = rows.filter((row) => row.kind === 'decision');
    const events = rows.filter((row) => row.kind === 'event');
    await Promise.all([
      decisions.length > 0 && this.producer.send(decisions.map((row) => this.#record(row))),
      events.length > 0 && this.inlet.write(events.map(({ workspace, profileId, value }) => ({ workspace, profileId, key: profileId, message: { ...value } }))),
    ]);
  }

  #record({ workspace, profileId, value, traceparent }: OutboxRow & { readonly kind: 'decision' }): Parameters<LogProducer['send']>[0][number] {
    return {
      topic: messagesSent.name,
      partition: partitionOf(profileId, this.partitions),
      key: Buffer.from(profileId),
      value: Buffer.from(JSON.stringify(value)),
      headers: { 'schema-version': '1', workspace, traceparent: traceparent ?? newTraceparent() },
    };
  }
}
