import type { SegmentChange } from '@tributary/contracts/change';
import { segmentsChanged } from '@tributary/contracts/topics/segments-changed';
import { Problem } from '@tributary/service/problem';
import type { Log } from '@tributary/stream/log';
import { Observable, type Subscriber } from 'rxjs';

export interface WatchedChange {
  readonly profile_id: string;
  readonly segment: string;
  readonly change: string;
  readonly effective_at: string;
  readonly processed_at: string;
  readonly cause: string;
  readonly definition_version: number;
  readonly sequence: number;
  readonly reason: string;
  readonly identifiers: readonly { readonly type: string; readonly value: string }[];
  readonly token: string;
}

interface Wish {
  readonly workspace: string;
  /** Empty: all. */
  readonly segments: ReadonlySet<string>;
  readonly token: string;
}

/** Watches at once in one process. */
const WATCHES_MAX = 100;

/** Follows `segments.changed`. A token says where in each partition to go on, so nothing is missed between two watches. */
export class ChangeWatch {
  #open = 0;

  constructor(private readonly log: Log) {}

  watch(wish: Wish): Observable<WatchedChange> {
    return new Observable((subscriber) => {
      if (this.#open >= WATCHES_MAX) {
        subscriber.error(new Problem(429, 'too_many_watches', `At most ${WATCHES_MAX} watches are open at once; close one or share it.`, [], 1));
        return undefined;
      }
      this.#open++;
      const tail = this.#follow(wish, subscriber);
      tail.catch((error: unknown) => subscriber.error(error));
      return () => {
        this.#open--;
        void tail.then((started) => started.stop(), () => undefined);
      };
    });
  }

  async #follow({ workspace, segments, token }: Wish, subscriber: Subscriber<WatchedChange>): Promise<{ stop(): Promise<void> }> {
    const offsets = await this.log.offsets(segmentsChanged.name);
    const from = token === '' ? new Map([...offsets].map(([partition, { high }]) => [partition, high])) : readToken(token);
    for (const [partition, { low }] of offsets) {
      if ((from.get(partition) ?? 0) < low) throw new Problem(404, 'token_too_old', 'What followed this token is no longer kept. List the members and watch anew.');
    }
    const next = new Map(from);
    return this.log.tail({
      topic: segmentsChanged.name,
      from,
      onRecord: (record) => {
        next.set(record.partition, record.offset + 1);
        if (record.headers['workspace'] !== workspace || record.value === null) return;
        const change = JSON.parse(record.value.toString()) as SegmentChange;
        if (segments.size === 0 || segments.has(change.segment)) subscriber.next(toWatched(change, next));
      },
    });
  }
}

function toWatched(change: SegmentChange, next: ReadonlyMap<number, number>): WatchedChange {
  return {
    profile_id: change.profileId,
    segment: change.segment,
    change: change.change,
    effective_at: change.effectiveAt,
    processed_at: change.processedAt,
    cause: change.cause,
    definition_version: change.definitionVersion,
    sequence: change.sequence,
    reason: JSON.stringify(change.reason),
    identifiers: change.identifiers,
    token: Buffer.from([...next].map(([partition, offset]) => `${partition}:${offset}`).join(',')).toString('base64url'),
  };
}

function readToken(token: string): Map<number, number> {
  const text = Buffer.from(token, 'base64url').toString();
  if (!/^\d+:\d+(,\d+:\d+)*$/.test(text)) throw new Problem(400, 'malformed_token', 'Give back a token as a change brought it, or none to begin now.');
  return new Map(text.split(',').map((part) => part.split(':').map(Number) as [number, number]));
}
