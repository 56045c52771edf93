import { nudgeLines } from '@tributary/service/boot';
import type { Pool } from '@tributary/postgres/pool';
import type { PoolClient } from 'pg';
import type { DefinitionSwitch } from './definition-switch.js';

const CHANNEL = 'segmentation_definitions';
const RECONNECT_MS = 1_000;

/**
 * Tells every instance that definitions changed, so that partitions switch within milliseconds. A lost word costs two
 * seconds at most: stages look by themselves.
 */
export class SegmentNudge {
  #listening: PoolClient | undefined;
  #closed = false;

  constructor(private readonly pool: Pool, private readonly definitionSwitch: DefinitionSwitch) {}

  definitionsChanged(): void {
    this.#lookAgain();
    void this.pool.query(`notify ${CHANNEL}`).catch(() => undefined);
  }

  async listen(): Promise<void> {
    if (this.#closed) return;
    try {
      const client = await this.pool.connect();
      this.#listening = client;
      client.on('notification', () => this.#lookAgain());
      client.on('error', () => this.#again());
      await client.query(`listen ${CHANNEL}`);
    } catch {
      this.#again();
    }
  }

  close(): void {
    this.#closed = true;
    this.#listening?.release(true);
    this.#listening = undefined;
  }

  #again(): void {
    this.#listening?.release(true);
    this.#listening = undefined;
    if (!this.#closed) setTimeout(() => void this.listen(), RECONNECT_MS).unref();
  }

  #lookAgain(): void {
    this.definitionSwitch.lookAgain();
    nudgeLines();
  }
}
