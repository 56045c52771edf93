import type { Entry } from '@tributary/contracts/entry';
import { inboundEvents } from '@tributary/contracts/topics/inbound-events';
import { readEvent } from '@tributary/domain/ingestion/read-event';
import type { Log } from '@tributary/stream/log';
import type { LogRecord } from '@tributary/stream/stage';
import { ConsentLedger } from '../consent-ledger.postgres.js';
import { ConsentStage } from '../consent.stage.js';
import { aProfile } from './an-entry.js';
import type { ConsentDatabase } from './consent-database.js';

/** What lies between the front door and the ledger, as short as it can be: profiles are made, the stage decides. */
export class MiniStream {
  readonly messages: { readonly headers: LogRecord['headers']; readonly message: { readonly [field: string]: unknown } }[] = [];
  /** While true, nothing is taken in. */
  stalled = false;
  readonly #waiting: LogRecord[] = [];
  readonly #stage: ConsentStage;
  #made = 0;
  #work: Promise<void> = Promise.resolve();
  #tail: { stop(): Promise<void> } | undefined;

  constructor(private readonly database: ConsentDatabase, private readonly log: Log) {
    this.#stage = new ConsentStage(new ConsentLedger(database.pool));
  }

  async start(): Promise<void> {
    await this.log.ensureTopics([{ name: inboundEvents.name, partitions: 1, replicationFactor: 1, config: inboundEvents.config }]);
    this.#tail = await this.log.tail({
      topic: inboundEvents.name,
      from: 'start',
      onRecord: (record) => {
        this.#waiting.push(record);
        this.resume();
      },
    });
  }

  resume(): void {
    if (this.stalled) return;
    for (const record of this.#waiting.splice(0)) this.#work = this.#work.then(() => this.#take(record));
  }

  async stop(): Promise<void> {
    await this.#tail?.stop();
    await this.#work;
  }

  async #take({ value, headers, timestampMs, offset }: LogRecord): Promise<void> {
    const message = JSON.parse(String(value)) as { readonly [field: string]: unknown };
    this.messages.push({ headers, message });
    const workspace = headers['workspace'] as string;
    const profileId = headers['profile-id'] ?? (await this.#profileOf(workspace, message));
    const entry: Entry = {
      kind: 'event', workspace, profileId, type: 'track', name: message['event'] as string, messageId: message['messageId'] as string,
      timestampMs: Date.parse(message['timestamp'] as string), appendedAtMs: timestampMs, source: 0, offset, body: value as Buffer,
    };
    const { writes } = await this.#stage.decide([entry]);
    await this.database.commit(writes!);
  }

  async #profileOf(workspace: string, message: unknown): Promise<string> {
    const facts = readEvent(message);
    if ('refused' in facts) throw new Error(`the front door refuses: ${facts.refused}`);
    const { type, value } = facts.identifiers[0]!;
    const { rows } = await this.database.pool.query<{ id: string }>('select profile_id as id from ingestion.profile_identifiers where workspace = $1 and type = $2 and value = $3', [workspace, type, value]);
    if (rows[0] !== undefined) return rows[0].id;
    const id = aProfile((this.#made += 1) + 900_000);
    await this.database.pool.query('insert into ingestion.profile_identifiers values ($1, $2, $3, $4)', [workspace, type, value, id]);
    await this.database.pool.query('insert into ingestion.profile_survivors values ($1, $2, $2)', [workspace, id]);
    return id;
  }
}
