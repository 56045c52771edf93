// Segments as people define them, over HTTP, and how far the partitions have got with them.
import pg from 'pg';
import type { Stack } from '../../stack.ts';

const LEFTOVER = /^(lesson|webinar)-/;
const POLL_MS = 50;

export class SegmentsDoor {
  /** Defined during this run, besides those that were there before. */
  readonly made: { key: string; rule: never }[] = [];
  readonly #url: string;
  readonly #key: string;
  readonly #workspace: string;
  readonly #databaseUrl: string;

  constructor({ urls, credentials, env }: Stack) {
    if (credentials === undefined) throw new Error('no workspace was made');
    this.#url = `${urls.segmentation}/v1/segments`;
    this.#key = credentials.adminKey;
    this.#workspace = credentials.workspace;
    this.#databaseUrl = env['DATABASE_URL'] as string;
  }

  get databaseUrl(): string {
    return this.#databaseUrl;
  }

  /** An earlier run over the same data left some. */
  async removeLeftovers(): Promise<void> {
    const response = await this.#call('GET', '?limit=1000');
    const { segments } = (await response.json()) as { segments: { key: string }[] };
    for (const { key } of segments.filter((one) => LEFTOVER.test(one.key))) await this.#call('DELETE', `/${key}`);
    await this.whenLive();
  }

  async define(segment: { key: string; rule: unknown }): Promise<void> {
    const response = await this.#call('POST', '', { name: segment.key, ...segment });
    if (response.status === 409) return;
    if (response.status !== 201) throw new Error(`defining ${segment.key} was answered with ${response.status}: ${await response.text()}`);
    if (LEFTOVER.test(segment.key)) this.made.push(segment as { key: string; rule: never });
  }

  async find(key: string): Promise<{ status: string; count: number }> {
    return (await (await this.#call('GET', `/${key}`)).json()) as { status: string; count: number };
  }

  /** Resolves when every partition follows the newest definitions. Asks the database: the door's own answer counts members, which takes its time. */
  async whenLive(timeoutMs = 300_000): Promise<void> {
    const client = new pg.Client({ connectionString: this.#databaseUrl });
    await client.connect();
    try {
      for (const giveUpMs = Date.now() + timeoutMs; Date.now() < giveUpMs; await new Promise((resolve) => setTimeout(resolve, POLL_MS))) {
        const { rows } = await client.query<{ newest: string | null; oldest: string | null }>(
          `select (select max(version) from segmentation.definitions where workspace = $1) as newest,
            (select case when bool_or(next_version is not null) then null else min(version) end from segmentation.switches where workspace = $1) as oldest`,
          [this.#workspace],
        );
        if (rows[0]?.newest === null || rows[0]?.newest === rows[0]?.oldest) return;
      }
      throw new Error('the partitions did not follow the newest definitions in time');
    } finally {
      await client.end();
    }
  }

  #call(method: string, path: string, body?: object): Promise<Response> {
    return fetch(this.#url + path, { method, headers: { authorization: `Bearer ${this.#key}`, 'content-type': 'application/json' }, ...(body && { body: JSON.stringify(body) }) });
  }
}
