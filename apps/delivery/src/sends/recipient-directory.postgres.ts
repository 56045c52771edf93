import { type Address, chooseAddress } from '@tributary/domain/delivery/choose-address';
import type { Pool } from '@tributary/postgres/pool';

/** Whom to look up, and the event (if any) whose properties a template may want. */
export interface RecipientRef {
  readonly workspace: string;
  readonly profileId: string;
  readonly event?: { readonly messageId: string; readonly timestamp: string } | undefined;
}

/** A person as templates see one. */
export interface Recipient {
  /** The survivor, where the profile was merged since. */
  readonly profileId: string;
  readonly address: Address;
  readonly traits: { readonly [trait: string]: unknown };
  readonly computed: { readonly [key: string]: unknown };
  /** In points (52.5), not in millionths. */
  readonly scores: { readonly [key: string]: number };
  readonly cluster: string | null;
  readonly segments: readonly string[];
  readonly workspace: { readonly id: string; readonly name: string; readonly timezone: string };
  readonly eventProperties: unknown;
}

interface Row {
  readonly survivor_id: string | null;
  readonly emails: string[] | null;
  readonly traits: Recipient['traits'] | null;
  readonly computed: Recipient['computed'] | null;
  readonly scores: Recipient['scores'] | null;
  readonly cluster: string | null;
  readonly segments: string[] | null;
  readonly name: string | null;
  readonly timezone: string | null;
  readonly properties: unknown;
}

/**
 * The one place where delivery reads what other services know of a person: the public views of ingestion, scoring and
 * segmentation, in one query for a batch.
 */
export class RecipientDirectory {
  constructor(private readonly pool: Pool) {}

  /** In the order asked for; null for a profile that no longer exists. */
  async find(refs: readonly RecipientRef[]): Promise<(Recipient | null)[]> {
    if (refs.length === 0) return [];
    const { rows } = await this.pool.query<Row>({
      name: 'find-recipients',
      text: FIND,
      values: [
        refs.map((ref) => ref.workspace),
        refs.map((ref) => ref.profileId),
        refs.map((ref) => ref.event?.messageId ?? null),
        refs.map((ref) => (ref.event === undefined ? null : Date.parse(ref.event.timestamp))),
      ],
    });
    return rows.map((row, index) => toRecipient(row, refs[index] as RecipientRef));
  }
}

const FIND = `
  select v.survivor_id, p.traits, p.computed, p.scores, p.cluster, w.name, w.timezone,
    (select array_agg(i.value order by i.value) from ingestion.profile_identifiers i
      where i.workspace = c.workspace and i.profile_id = v.survivor_id and i.type = 'email') as emails,
    (select array_agg(m.segment order by m.segment) from segmentation.members m
      where m.workspace = c.workspace and m.profile_id = v.survivor_id) as segments,
    (select h.body -> 'properties' from scoring.history h
      where h.workspace = c.workspace and h.profile_id in (v.survivor_id, c.profile_id) and h.ts_ms = c.ts_ms and h.message_id = c.message_id
      limit 1) as properties
  from unnest($1::text[], $2::uuid[], $3::text[], $4::bigint[]) with ordinality as c(workspace, profile_id, message_id, ts_ms, ord)
  left join ingestion.profile_survivors v on v.workspace = c.workspace and v.profile_id = c.profile_id
  left join scoring.profiles_public p on p.workspace = c.workspace and p.profile_id = v.survivor_id
  left join ingestion.workspaces_public w on w.workspace = c.workspace
  order by c.ord`;

const MILLIONTHS = 1_000_000;

function toRecipient(row: Row, ref: RecipientRef): Recipient | null {
  if (row.survivor_id === null) return null;
  const traits = row.traits ?? {};
  return {
    profileId: row.survivor_id,
    address: chooseAddress(row.emails ?? [], traits['email']),
    traits,
    computed: row.computed ?? {},
    scores: Object.fromEntries(Object.entries(row.scores ?? {}).map(([key, millionths]) => [key, millionths / MILLIONTHS])),
    cluster: row.cluster,
    segments: row.segments ?? [],
    workspace: { id: ref.workspace, name: row.name ?? '', timezone: row.timezone ?? 'UTC' },
    eventProperties: row.properties,
  };
}
