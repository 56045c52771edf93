import { createHash } from 'node:crypto';
import type { Suppression } from '@tributary/domain/delivery/decide-send';
import type { Pool } from '@tributary/postgres/pool';
import type { Write } from '@tributary/postgres/write';

export interface NewSuppression extends Suppression {
  readonly workspace: string;
  readonly addressHash: Buffer;
  readonly profileId: string;
  readonly sendId: string;
}

/** Addresses that must not be written to, as hashes with the installation's salt. */
export class Suppressions {
  #salt: Promise<string> | null = null;

  constructor(private readonly pool: Pool) {}

  /** Case does not matter: nobody gives two people addresses that differ in it alone. */
  async hash(workspace: string, address: string): Promise<Buffer> {
    this.#salt ??= this.#readSalt();
    return createHash('sha256').update(`${await this.#salt}:${workspace}:${address.toLowerCase()}`).digest();
  }

  /** The same again keeps the later time. */
  add({ workspace, addressHash, purpose, reason, profileId, sendId, atMs }: NewSuppression): Write {
    return {
      text: `insert into delivery.suppressions as s (workspace, address_hash, purpose, reason, profile_id, send_id, at_ms)
        values ($1, $2::bytea, $3, $4, $5::uuid, $6::uuid, $7::bigint)
        on conflict (workspace, address_hash, purpose, reason)
        do update set at_ms = greatest(s.at_ms, excluded.at_ms), profile_id = excluded.profile_id, send_id = excluded.send_id`,
      values: [workspace, addressHash, purpose, reason, profileId, sendId, atMs],
    };
  }

  async #readSalt(): Promise<string> {
    try {
      const { rows } = await this.pool.query<{ salt: string }>('select salt from delivery.installation');
      return (rows[0] as { salt: string }).salt;
    } catch (error) {
      // Asked again next time.
      this.#salt = null;
      throw error;
    }
  }
}
