// The stage on a real database, as the library runs it, for tests: one statement a batch, then the caches follow.
import { migrate } from '@tributary/postgres/migrate';
import { createPool, type Pool } from '@tributary/postgres/pool';
import { joinWrites } from '@tributary/postgres/write';
import type { Decision, Ending, LogRecord, OutRecord } from '@tributary/stream/stage';
import { createTestDatabase, type TestDatabase } from '@tributary/testing/test-database';
import { IdentityStore } from '../identity-store.postgres.js';
import { IngestionStage } from '../ingestion.stage.js';
import { RecordReader } from '../read-record.js';
import { ingestionSchema } from '../schema.js';
import { SenderDirectory } from '../sender-directory.js';
import { createWorkspace, type CreatedWorkspace } from '../sources/create-workspace.js';
import { SourceStore } from '../sources/source-store.postgres.js';

export const SECRET = 'a secret of more than thirty-two characters';
const T0 = Date.parse('2026-01-01T00:00:00Z');

export class StageHarness {
  #workspace: CreatedWorkspace = { workspace: '', writeKey: '', adminKey: '' };
  #offset = 0;

  private constructor(private readonly database: TestDatabase, readonly pool: Pool) {}

  static async open(): Promise<StageHarness> {
    const database = await createTestDatabase({ template: { name: 'ingestion', prepare: (url) => migrate(url, [ingestionSchema], () => undefined) } });
    return new StageHarness(database, createPool({ url: database.url, role: 'tributary_ingestion', name: 'ingestion test', max: 6 }));
  }

  async close(): Promise<void> {
    await this.pool.end();
    await this.database.drop();
  }

  /** Tests do not meet: each has a workspace of its own. */
  async renew(): Promise<CreatedWorkspace> {
    return (this.#workspace = await this.addWorkspace());
  }

  addWorkspace(): Promise<CreatedWorkspace> {
    return createWorkspace(new SourceStore(this.pool), { name: 'Test', timezone: 'UTC' });
  }

  /** One instance of the service: nothing in memory is shared with others. */
  aStage(): IngestionStage {
    return new IngestionStage(new RecordReader({ secret: SECRET, trustSourceId: true }), new SenderDirectory(this.pool), new IdentityStore(this.pool));
  }

  /** The next record of the inlet. */
  aRecord(event: object | string, fields: Partial<LogRecord> = {}): LogRecord {
    const offset = ++this.#offset;
    const value = Buffer.from(typeof event === 'string' ? event : JSON.stringify(event));
    return { topic: 'inbound.events', partition: 0, offset, timestampMs: T0 + offset, key: null, value, headers: { 'write-key': this.#workspace.writeKey }, ...fields };
  }

  fromOut({ key, value, headers = {} }: OutRecord): LogRecord {
    return this.aRecord('', { key, value, headers });
  }

  async commit(decision: Decision): Promise<void> {
    await this.pool.query(joinWrites(decision.writes ?? []));
    decision.afterCommit?.();
  }

  async ingest(stage: IngestionStage, records: readonly LogRecord[]): Promise<readonly Ending[]> {
    const decision = await stage.decide(records);
    await this.commit(decision);
    return decision.endings;
  }

  /** The profile that an identifier means now, as other services see it. */
  async meant(type: string, value: string): Promise<string | null> {
    const { rows } = await this.pool.query('select profile_id from ingestion.profile_identifiers where workspace = $1 and type = $2 and value = $3', [this.#workspace.workspace, type, value]);
    return rows[0]?.profile_id ?? null;
  }
}

let messages = 0;

export function aTrack(fields: object = {}): object {
  return { type: 'track', event: 'Signed Up', userId: 'u', messageId: `m-${++messages}`, ...fields };
}

/** `forward event`, `forward merged merging event`, `drop reason`, `park reason`. */
export function told(endings: readonly Ending[]): string[] {
  return endings.map((ending) => `${ending.ending} ${ending.ending === 'forward' ? ending.entries.map(({ kind }) => kind).join(' ') : ending.reason}`);
}

/** Whose the last event is. */
export function lastProfile(endings: readonly Ending[]): string {
  const ending = endings.at(-1) as Ending;
  return ending.ending === 'forward' ? (ending.entries.at(-1)?.profileId as string) : ending.reason;
}
