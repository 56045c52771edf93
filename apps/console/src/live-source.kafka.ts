import { openLog, type Log } from '@tributary/stream/log';
import type { LogRecord } from '@tributary/stream/stage';
import type { ConsoleConfig } from './console.config.js';
import type { LiveSource } from './live-source.js';

/** The real log. It is opened when the first page looks, so an idle console holds no connection to the broker. */
export class KafkaLiveSource implements LiveSource {
  #log: Promise<Log> | null = null;

  constructor(private readonly config: ConsoleConfig) {}

  async tail(options: { readonly topic: string; onRecord(record: LogRecord): void }): Promise<{ stop(): Promise<void> }> {
    const log = await (this.#log ??= this.#open());
    return log.tail(options);
  }

  async close(): Promise<void> {
    await (await this.#log?.catch(() => null))?.close();
  }

  #open(): Promise<Log> {
    const { KAFKA_BROKERS: brokers, KAFKA_CLIENT: client, TOPIC_PREFIX: prefix } = this.config;
    const opened = openLog({ brokers, client, prefix, clientId: 'console' });
    // A failure is not remembered: the next look tries again.
    opened.catch(() => (this.#log = null));
    return opened;
  }
}
