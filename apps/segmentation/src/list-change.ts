import { LIST_MEMBERSHIP_CHANGED } from '@tributary/contracts/own-events';
import { equalSecrets, sign } from '@tributary/service/secrets';
import type { InletMessage } from '@tributary/service/inlet-writer';

export interface ListChange {
  readonly list: string;
  readonly member: boolean;
}

/** What of an event says whether it changes a list. */
export interface ListFact {
  readonly workspace: string;
  readonly type: string;
  readonly name: string;
  readonly messageId: string;
  readonly readBody: () => { readonly properties?: unknown };
}

/**
 * Writes and reads changes of lists. They are signed one by one: an event of that name from a browser, whose write key
 * anybody can read, puts nobody on a list.
 */
export class ListChanges {
  constructor(private readonly secret: string) {}

  /** @param number of the change among those of the list: sent again, it has the same message id */
  message(workspace: string, profileId: string, change: ListChange & { readonly number: number; readonly atMs: number }): InletMessage {
    const { list, member, number, atMs } = change;
    const messageId = `list:${list}:${number}:${profileId}`;
    const properties = { list, member, signature: this.#sign(workspace, messageId, { list, member }) };
    return { workspace, profileId, key: profileId, message: { type: 'track', event: LIST_MEMBERSHIP_CHANGED, messageId, timestamp: new Date(atMs).toISOString(), properties } };
  }

  /** Null for any other event, and for one that is not ours. */
  read({ workspace, type, name, messageId, readBody }: ListFact): ListChange | null {
    if (name !== LIST_MEMBERSHIP_CHANGED || type !== 'track') return null;
    const { properties } = readBody();
    if (typeof properties !== 'object' || properties === null) return null;
    const { list, member, signature } = properties as { readonly list?: unknown; readonly member?: unknown; readonly signature?: unknown };
    if (typeof list !== 'string' || typeof member !== 'boolean' || typeof signature !== 'string') return null;
    return equalSecrets(signature, this.#sign(workspace, messageId, { list, member })) ? { list, member } : null;
  }

  #sign(workspace: string, messageId: string, { list, member }: ListChange): string {
    return sign(this.secret, 'list', workspace, messageId, list, member ? 'member' : 'none');
  }
}
