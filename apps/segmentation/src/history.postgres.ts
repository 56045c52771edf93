import { CONSENT_UPDATED, LIST_MEMBERSHIP_CHANGED } from '@tributary/contracts/own-events';
import type { HistoryNeeds } from '@tributary/domain/segmentation/rebuild-state';
import type { EventBody, EventEntry, HistoryEntry } from '@tributary/domain/segmentation/rule-entry';
import type { Pool } from '@tributary/postgres/pool';
import type { ListChanges } from './list-change.js';
import { replayScores, SCORED_NAMES } from './replay-scores.js';

/** One event of the history that scoring keeps. The body comes as text, and only where rules look into bodies. */
export interface HistoryRow {
  readonly profileId: string;
  readonly messageId: string;
  readonly type: string;
  readonly name: string;
  readonly timestampMs: number;
  readonly appendedAtMs: number;
  readonly body: string | null;
}

export interface HistoryRequest {
  readonly workspace: string;
  readonly profileIds: readonly string[];
  /** The last sequence of scoring that has been applied here: what came later is not known yet. */
  readonly upToSequence: number;
  readonly needs: HistoryNeeds;
  /** What is applied here has come to this instant. */
  readonly watermarkMs: number;
}

/** Before all events. */
const FIRST_MS = Number.MIN_SAFE_INTEGER;

const SCORED_ONLY: HistoryNeeds = { none: false, events: [], reachMs: Infinity, bodies: true, identify: false, scores: ['engagement'], computed: [], clusters: [], lists: [], consents: false };

/** Reads what is known of profiles, in the order in which it became known. */
export class History {
  constructor(private readonly pool: Pool, private readonly lists: ListChanges) {}

  /** The entries of each profile, from its rows. @param untilMs scores are replayed up to this instant */
  entriesOf(rows: ReadonlyMap<string, readonly HistoryRow[]>, { workspace, profileIds, needs, untilMs }: Pick<HistoryRequest, 'workspace' | 'profileIds' | 'needs'> & { readonly untilMs: number }): Map<string, readonly HistoryEntry[]> {
    return new Map(profileIds.map((profileId) => {
      const own = rows.get(profileId) ?? [];
      const entries = needs.scores.length > 0 ? replayScores(own, untilMs) : own.map(toEntry);
      return [profileId, needs.lists.length > 0 ? entries.flatMap((entry) => this.#withList(workspace, entry)) : entries];
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
    return (await this.rows({ workspace, profileIds: [profileId], upToSequence: Number.MAX_SAFE_INTEGER, needs: SCORED_ONLY, watermarkMs: 0 })).get(profileId) ?? [];
  }

  /** What is needed of profiles, by profile, in the order in which it became known. */
  async rows({ workspace, profileIds, upToSequence, needs, watermarkMs }: HistoryRequest): Promise<Map<string, HistoryRow[]>> {
    if (needs.none) return new Map();
    const names = new Set(needs.events);
    if (needs.consents) names.add(CONSENT_UPDATED);
    if (needs.lists.length > 0) names.add(LIST_MEMBERSHIP_CHANGED);
    if (needs.scores.length > 0) for (const name of SCORED_NAMES) names.add(name);
    const { rows } = await this.pool.query<HistoryRow>({
      name: 'read-history',
      // Profile by profile through the key, which begins with it and goes on with the time: whatever a plan made for
      // other numbers thinks. Months before the reach are not looked at.
      text: `select k.id as "profileId", h."messageId", h.type, h.name, h."timestampMs", h."appendedAtMs", h.body
        from unnest($2::uuid[]) k(id) cross join lateral (
          select message_id as "messageId", type, name, ts_ms as "timestampMs", appended_ms as "appendedAtMs", sequence, case when $7::boolean then body::text end as body
          from scoring.history
          where profile_id = k.id and workspace = $1 and ts_ms > $6::bigint and sequence <= $3 and (name = any($4::text[]) or ($5::boolean and type = 'identify'))
        ) h order by k.id, h.sequence, h."appendedAtMs", h."messageId"`,
      values: [workspace, profileIds, upToSequence, [...names], needs.identify, needs.reachMs === Infinity || watermarkMs === -Infinity ? FIRST_MS : Math.floor(watermarkMs - needs.reachMs) - 1, needs.bodies],
    });
    return Map.groupBy(rows, ({ profileId }) => profileId);
  }
}

export function toEntry({ messageId, type, name, timestampMs, appendedAtMs, body }: HistoryRow): EventEntry {
  return { kind: 'event', type, name, messageId, timestampMs, appendedAtMs, readBody: () => (body === null ? {} : JSON.parse(body)) as EventBody };
}
