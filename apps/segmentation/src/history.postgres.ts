import { CONSENT_UPDATED, LIST_MEMBERSHIP_CHANGED } from '@tributary/contracts/own-events';
import type { HistoryNeeds } from '@tributary/domain/segmentation/rebuild-state';
import type { EventBody, EventEntry, HistoryEntry } from '@tributary/domain/segmentation/rule-entry';
import type { Pool } from '@tributary/postgres/pool';
import type { ListChanges } from './list-change.js';
import { replayScores, SCORED_NAMES } from './replay-scores.js';

/** One event of the history that scoring keeps. The body comes as text: most rules need no more than the header. */
export interface HistoryRow {
  readonly profileId: string;
  readonly messageId: string;
  readonly type: string;
  readonly name: string;
  readonly timestampMs: number;
  readonly appendedAtMs: number;
  readonly body: string;
}

export interface HistoryRequest {
  readonly workspace: string;
  readonly profileIds: readonly string[];
  /** The last sequence of scoring that has been applied here: what came later is not known yet. */
  readonly upToSequence: number;
  readonly needs: HistoryNeeds;
  /** Scores are replayed up to this instant. */
  readonly untilMs: number;
}

const SCORED_ONLY: HistoryNeeds = { none: false, events: [], identify: false, scores: ['engagement'], computed: [], clusters: [], lists: [], consents: false };

/** Reads what is known of profiles, in the order in which it became known. */
export class History {
  constructor(private readonly pool: Pool, private readonly lists: ListChanges) {}

  async read(request: HistoryRequest): Promise<Map<string, readonly HistoryEntry[]>> {
    const { needs } = request;
    if (needs.none) return new Map();
    const rows = await this.#rows(request);
    const byProfile = Map.groupBy(rows, ({ profileId }) => profileId);
    return new Map([...byProfile].map(([profileId, own]) => {
      const entries = needs.scores.length > 0 ? replayScores(own, request.untilMs) : own.map(toEntry);
      return [profileId, needs.lists.length > 0 ? entries.flatMap((entry) => this.#withList(request.workspace, entry)) : entries];
    }));
  }

  /** A change of a list comes right after its event, as when it was applied live. */
  #withList(workspace: string, entry: HistoryEntry): HistoryEntry[] {
    if (entry.kind !== 'event') return [entry];
    const change = this.lists.read({ workspace, ...entry });
    return change === null ? [entry] : [entry, { kind: 'list', appendedAtMs: entry.appendedAtMs, ...change }];
  }

  /** What the scores of one profile are made of. */
  async scored(workspace: string, profileId: string): Promise<readonly HistoryRow[]> {
    return this.#rows({ workspace, profileIds: [profileId], upToSequence: Number.MAX_SAFE_INTEGER, needs: SCORED_ONLY });
  }

  async #rows({ workspace, profileIds, upToSequence, needs }: Omit<HistoryRequest, 'untilMs'>): Promise<HistoryRow[]> {
    const names = new Set(needs.events);
    if (needs.consents) names.add(CONSENT_UPDATED);
    if (needs.lists.length > 0) names.add(LIST_MEMBERSHIP_CHANGED);
    if (needs.scores.length > 0) for (const name of SCORED_NAMES) names.add(name);
    const { rows } = await this.pool.query<HistoryRow>({
      name: 'read-history',
      text: `select profile_id as "profileId", message_id as "messageId", type, name, ts_ms as "timestampMs", appended_ms as "appendedAtMs", body::text as body
        from scoring.history
        where workspace = $1 and profile_id = any($2::uuid[]) and sequence <= $3 and (name = any($4::text[]) or ($5 and type = 'identify'))
        order by profile_id, sequence, appended_ms, message_id`,
      values: [workspace, profileIds, upToSequence, [...names], needs.identify],
    });
    return rows;
  }
}

export function toEntry({ messageId, type, name, timestampMs, appendedAtMs, body }: HistoryRow): EventEntry {
  return { kind: 'event', type, name, messageId, timestampMs, appendedAtMs, readBody: () => JSON.parse(body) as EventBody };
}
