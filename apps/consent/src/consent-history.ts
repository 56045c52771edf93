import { Standings } from '@tributary/domain/consent/standings';
import type { ProfileDirectory } from '@tributary/service/profile-directory';
import { decodeCursor, encodeCursor, parseLimit } from '@tributary/service/page';
import type { ConsentLedger } from './consent-ledger.postgres.js';
import { type Receipt, receiptOfEntry } from './record-consent.js';

export interface ProfileConsents {
  /** By purpose; purposes of which nothing was ever said are left to their policy. */
  readonly current: { readonly [purpose: string]: { readonly decision: 'granted' | 'withdrawn'; readonly at: string } };
  /** Newest in the ledger first. */
  readonly history: readonly Receipt[];
  readonly cursor: string | null;
}

/** What people have decided, as the ledger has it. */
export class ConsentHistory {
  constructor(private readonly directory: Pick<ProfileDirectory, 'resolve'>, private readonly ledger: ConsentLedger) {}

  /** @throws Problem 404 for an unknown profile, 400 for a malformed reference or page */
  async list(workspace: string, ref: string, page: { readonly limit: string | undefined; readonly cursor: string | undefined }): Promise<ProfileConsents> {
    const limit = parseLimit(page.limit);
    const [before] = decodeCursor(page.cursor, ['number']) ?? [null];
    const profileId = await this.directory.resolve(workspace, ref);
    const entries = await this.ledger.history({ workspace, profileId }, { limit: limit + 1, before: before as number | null });
    const shown = entries.slice(0, limit);
    const last = shown.at(-1);
    return {
      current: await this.#current(workspace, profileId),
      history: shown.map(receiptOfEntry),
      cursor: entries.length > limit && last !== undefined ? encodeCursor([last.sequence]) : null,
    };
  }

  async #current(workspace: string, profileId: string): Promise<ProfileConsents['current']> {
    const standings = new Standings(await this.ledger.load([{ workspace, profileId }]));
    return Object.fromEntries(
      standings.decided(workspace, profileId).map(({ purpose, decision, atMs }) => [purpose, { decision, at: new Date(atMs).toISOString() }]),
    );
  }
}
