import type { ConsentDecision } from '@tributary/domain/consent/decision';
import type { StatedConsent } from '@tributary/domain/consent/read-consent';
import type { KnownConsents } from '@tributary/domain/consent/standings';
import type { Pool } from '@tributary/postgres/pool';
import { joinWrites, type Write } from '@tributary/postgres/write';
import { insertAnnouncement } from './announcements.postgres.js';

export interface ProfileKey {
  readonly workspace: string;
  readonly profileId: string;
}

/** A decision on its way into the ledger. */
export interface NewEntry extends ProfileKey, StatedConsent {
  readonly receipt: string;
  readonly previous: string | null;
  readonly messageId: string;
}

/** A decision as the ledger has it. */
export interface LedgerEntry {
  readonly id: string;
  readonly profileId: string;
  readonly purpose: string;
  readonly decision: ConsentDecision;
  readonly occurredMs: number;
  readonly recordedMs: number;
  readonly source: string | null;
  readonly textVersion: string | null;
  readonly jurisdiction: string | null;
  readonly proof: unknown;
  readonly previous: string | null;
  readonly sequence: number;
}

export interface NewMerge {
  readonly workspace: string;
  readonly loser: string;
  readonly survivor: string;
  readonly mergedMs: number;
}

/** Consent decisions, append-only. What stands is always read from here, never from memory. */
export class ConsentLedger {
  constructor(private readonly pool: Pool) {}

  /** What is known of these profiles and of everybody who is one person with them, in one query. */
  async load(keys: readonly ProfileKey[]): Promise<KnownConsents> {
    if (keys.length === 0) return { policies: [], decisions: [], merges: [] };
    const { rows } = await this.pool.query<KnownRow>({
      name: 'look-up-consents',
      text: 'select * from consent.look_up($1, $2, $3)',
      values: [keys.map((key) => key.workspace), keys.map((key) => key.profileId), [...new Set(keys.map((key) => key.workspace))]],
    });
    return knownOf(rows);
  }

  /**
   * Commits a decision of a known profile together with the duty to tell the stream of it.
   * @returns when it was recorded, epoch ms
   */
  async record(entry: NewEntry): Promise<number> {
    const ledger = insertEntries([entry]);
    const statement = joinWrites([{ ...ledger, text: `${ledger.text} returning recorded_ms` }, insertAnnouncement(entry, null)], 'select recorded_ms as "recordedMs" from w0');
    const { rows } = await this.pool.query<{ recordedMs: number }>(statement);
    if (rows[0] === undefined) throw new Error('a receipt was given out twice');
    return rows[0].recordedMs;
  }

  /** The decision with this receipt, or undefined while it is not in the ledger. */
  async find(workspace: string, receipt: string): Promise<LedgerEntry | undefined> {
    const { rows } = await this.pool.query<LedgerEntry>({
      name: 'find-consent',
      text: `select ${COLUMNS} from consent.ledger l where l.workspace = $1 and l.id = $2`,
      values: [workspace, receipt],
    });
    return rows[0];
  }

  /** All decisions of a person, under whichever profile, newest in the ledger first. */
  async history({ workspace, profileId }: ProfileKey, page: { readonly limit: number; readonly before: number | null }): Promise<readonly LedgerEntry[]> {
    const { rows } = await this.pool.query<LedgerEntry>({
      name: 'list-consent-history',
      text: HISTORY,
      values: [[workspace], [profileId], page.before ?? Number.MAX_SAFE_INTEGER, page.limit],
    });
    return rows;
  }
}

/**
 * A message that comes again is the entry that is there already. Evidence does not travel in the stream: that of a decision
 * which was announced before its person was known waits with the announcement.
 */
export function insertEntries(entries: readonly NewEntry[]): Write {
  return {
    text: `insert into consent.ledger (workspace, id, profile_id, purpose, decision, occurred_ms, source, text_version, jurisdiction, proof, message_id, previous)
      select e.workspace, e.id, e.profile_id, e.purpose, e.decision, e.occurred_ms, e.source, e.text_version, e.jurisdiction, coalesce(e.proof, a.proof), e.message_id, e.previous
      from unnest($1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[], $9::text[], $10::jsonb[], $11::text[], $12::uuid[])
        as e (workspace, id, profile_id, purpose, decision, occurred_ms, source, text_version, jurisdiction, proof, message_id, previous)
      left join consent.announcements a on a.workspace = e.workspace and a.receipt = e.id
      on conflict (workspace, id) do nothing`,
    values: [
      entries.map((entry) => entry.workspace),
      entries.map((entry) => entry.receipt),
      entries.map((entry) => entry.profileId),
      entries.map((entry) => entry.purpose),
      entries.map((entry) => entry.decision),
      entries.map((entry) => entry.occurredAtMs),
      entries.map((entry) => entry.source),
      entries.map((entry) => entry.textVersion),
      entries.map((entry) => entry.jurisdiction),
      entries.map((entry) => (entry.proof === null ? null : JSON.stringify(entry.proof))),
      entries.map((entry) => entry.messageId),
      entries.map((entry) => entry.previous),
    ],
  };
}

/** The loser's and the survivor's partition both tell of a merge; the first one counts, they say the same. */
export function insertMerges(merges: readonly NewMerge[]): Write {
  const sorted = [...merges].sort((left, right) => (left.loser < right.loser ? -1 : 1));
  return {
    text: `insert into consent.merges (workspace, loser, survivor, merged_ms)
      select * from unnest($1::text[], $2::uuid[], $3::uuid[], $4::bigint[])
      on conflict (loser, workspace) do nothing`,
    values: [sorted.map((merge) => merge.workspace), sorted.map((merge) => merge.loser), sorted.map((merge) => merge.survivor), sorted.map((merge) => merge.mergedMs)],
  };
}

/** From profiles to all that are one person with them, through merges in both directions. */
const PERSON = `
  person (workspace, profile_id) as (
    select * from unnest($1::text[], $2::uuid[])
    union
    select p.workspace, e.other from person p cross join lateral (
      select m.survivor as other from consent.merges m where m.loser = p.profile_id and m.workspace = p.workspace
      union all
      select m.loser from consent.merges m where m.survivor = p.profile_id and m.workspace = p.workspace
    ) e
  )`;

const COLUMNS = `l.id, l.profile_id as "profileId", l.purpose, l.decision, l.occurred_ms as "occurredMs", l.recorded_ms as "recordedMs",
    l.source, l.text_version as "textVersion", l.jurisdiction, l.proof, l.previous, l.sequence`;

const HISTORY = `
  with recursive ${PERSON}
  select ${COLUMNS}
  from person p join consent.ledger l on l.profile_id = p.profile_id and l.workspace = p.workspace
  where l.sequence < $3
  order by l.sequence desc
  limit $4`;

type KnownRow =
  | { kind: 'decision'; workspace: string; profile: string; subject: string; says: ConsentDecision; at: number; receipt: string }
  | { kind: 'merge'; workspace: string; profile: string; subject: string; at: number }
  | { kind: 'policy'; workspace: string; subject: string; says: 'opt-in' | 'opt-out' };

function knownOf(rows: readonly KnownRow[]): KnownConsents {
  const decisions: KnownConsents['decisions'][number][] = [];
  const merges: KnownConsents['merges'][number][] = [];
  const policies: KnownConsents['policies'][number][] = [];
  for (const row of rows) {
    if (row.kind === 'decision') decisions.push({ workspace: row.workspace, profileId: row.profile, purpose: row.subject, decision: row.says, atMs: row.at, receipt: row.receipt });
    else if (row.kind === 'merge') merges.push({ workspace: row.workspace, loser: row.profile, survivor: row.subject, mergedMs: row.at });
    else policies.push({ workspace: row.workspace, purpose: row.subject, policy: row.says });
  }
  return { decisions, merges, policies };
}
