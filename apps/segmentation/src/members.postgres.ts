import type { Pool } from '@tributary/postgres/pool';
import type { SegmentChange } from '@tributary/contracts/change';

export interface Member {
  readonly profileId: string;
  readonly sinceMs: number;
}

export type ChangeRow = Omit<SegmentChange, 'effectiveAt' | 'processedAt' | 'identifiers'> & { readonly effectiveMs: number; readonly processedMs: number };

/** Where segmentation stands over all partitions. */
export interface Standing {
  /** Everything appended to the inlet before this instant is in every answer; null before the first event. */
  readonly asOfMs: number | null;
}

export interface Stability {
  readonly nextTimerMs: number | null;
  /** People with three changes of the segment or more within the last hour. */
  readonly flapping: number;
}

const FLAPPING_CHANGES = 3;

/** Present members and past changes, as committed. */
export class MembersStore {
  constructor(private readonly pool: Pool, private readonly partitions: number) {}

  async standing(): Promise<Standing> {
    const { rows } = await this.pool.query<{ as_of: number | null; known: number }>({
      name: 'segmentation-standing',
      text: `select min(watermark_ms) as as_of, count(watermark_ms) as known from stream.progress where stage = 'segmentation' and partition < $1`,
      values: [this.partitions],
    });
    const row = rows[0] as { as_of: number | null; known: number };
    return { asOfMs: row.known === this.partitions ? row.as_of : null };
  }

  async counts(workspace: string): Promise<Map<string, number>> {
    const { rows } = await this.pool.query<{ segment: string; count: number }>('select segment, count(*) from segmentation.memberships where workspace = $1 group by segment', [workspace]);
    return new Map(rows.map(({ segment, count }) => [segment, count]));
  }

  async count(workspace: string, segment: string): Promise<number> {
    const { rows } = await this.pool.query<{ count: number }>('select count(*) from segmentation.memberships where workspace = $1 and segment = $2', [workspace, segment]);
    return rows[0]?.count ?? 0;
  }

  async page(workspace: string, segment: string, after: string | null, limit: number): Promise<Member[]> {
    const { rows } = await this.pool.query<Member>({
      name: 'members-page',
      text: `select profile_id as "profileId", since_ms as "sinceMs" from segmentation.memberships
        where workspace = $1 and segment = $2 and ($3::uuid is null or profile_id > $3) order by profile_id limit $4`,
      values: [workspace, segment, after, limit],
    });
    return rows;
  }

  /** Whether these profiles are members, answers in the order of the questions; null: the profile is unknown. */
  async areMembers(questions: readonly { readonly workspace: string; readonly segment: string; readonly profileId: string }[]): Promise<(number | null)[]> {
    const { rows } = await this.pool.query<{ since: number | null }>({
      name: 'are-members',
      text: `select m.since_ms as since from unnest($1::text[], $2::text[], $3::uuid[]) with ordinality q(workspace, segment, profile_id, place)
        left join segmentation.memberships m on m.workspace = q.workspace and m.segment = q.segment and m.profile_id = q.profile_id order by q.place`,
      values: [questions.map(({ workspace }) => workspace), questions.map(({ segment }) => segment), questions.map(({ profileId }) => profileId)],
    });
    return rows.map(({ since }) => since);
  }

  async segmentsOf(workspace: string, profileId: string): Promise<{ segment: string; sinceMs: number }[]> {
    const { rows } = await this.pool.query<{ segment: string; sinceMs: number }>({
      name: 'segments-of-profile',
      text: 'select segment, since_ms as "sinceMs" from segmentation.memberships where workspace = $1 and profile_id = $2 order by segment',
      values: [workspace, profileId],
    });
    return rows;
  }

  async changes(workspace: string, segment: string, sinceMs: number, after: readonly [number, string, number] | null, limit: number): Promise<ChangeRow[]> {
    const { rows } = await this.pool.query<ChangeRow>({
      name: 'changes-page',
      text: `select workspace, profile_id as "profileId", segment, change, effective_ms as "effectiveMs", processed_ms as "processedMs", cause,
          definition_version as "definitionVersion", sequence, reason
        from segmentation.changes
        where workspace = $1 and segment = $2 and effective_ms >= $3 and ($4::bigint is null or (effective_ms, profile_id, sequence) > ($4, $5::uuid, $6::bigint))
        order by effective_ms, profile_id, sequence limit $7`,
      values: [workspace, segment, sinceMs, after?.[0] ?? null, after?.[1] ?? null, after?.[2] ?? null, limit],
    });
    return rows;
  }

  /** A person's changes over all segments, newest first. @param before sequence, exclusive */
  async changesOfProfile(workspace: string, profileId: string, before: number | null, limit: number): Promise<ChangeRow[]> {
    const { rows } = await this.pool.query<ChangeRow>({
      name: 'changes-of-profile',
      text: `select workspace, profile_id as "profileId", segment, change, effective_ms as "effectiveMs", processed_ms as "processedMs", cause,
          definition_version as "definitionVersion", sequence, reason
        from segmentation.changes where workspace = $1 and profile_id = $2 and ($3::bigint is null or sequence < $3) order by sequence desc limit $4`,
      values: [workspace, profileId, before, limit],
    });
    return rows;
  }

  /** How many entered and left in the hour and in the day before an instant. */
  async movements(workspace: string, nowMs: number): Promise<Map<string, { enteredHour: number; leftHour: number; enteredDay: number; leftDay: number }>> {
    const { rows } = await this.pool.query<{ segment: string; enteredHour: number; leftHour: number; enteredDay: number; leftDay: number }>(
      `select segment,
        count(*) filter (where change = 'entered' and effective_ms > $2::bigint - 3600000) as "enteredHour",
        count(*) filter (where change = 'left' and effective_ms > $2::bigint - 3600000) as "leftHour",
        count(*) filter (where change = 'entered') as "enteredDay",
        count(*) filter (where change = 'left') as "leftDay"
       from segmentation.changes where workspace = $1 and segment in (select key from segmentation.segments where workspace = $1) and effective_ms > $2::bigint - 86400000 group by segment`,
      [workspace, nowMs],
    );
    return new Map(rows.map(({ segment, ...counts }) => [segment, counts]));
  }

  /** The next instant at which time alone may change anybody of the workspace, and who goes in and out of a segment without rest. */
  async stability(workspace: string, segment: string, nowMs: number): Promise<Stability> {
    const { rows } = await this.pool.query<Stability>(
      `select (select min(due_ms) from stream.timers where stage = 'segmentation' and workspace = $1) as "nextTimerMs",
        (select count(*) from (
           select from segmentation.changes where workspace = $1 and segment = $2 and effective_ms > $3::bigint - 3600000
           group by profile_id having count(*) >= $4) f) as "flapping"`,
      [workspace, segment, nowMs, FLAPPING_CHANGES],
    );
    return rows[0] as Stability;
  }

  /** Segments that some partition has not finished switching to, by key. */
  async backfilling(workspace: string): Promise<Set<string>> {
    const { rows } = await this.pool.query<{ key: string }>(
      `select s.key from segmentation.segments s where s.workspace = $1 and (
         select count(*) from segmentation.switches w where w.workspace = $1 and w.partition < $2 and w.version >= s.definitions_version
       ) < $2`,
      [workspace, this.partitions],
    );
    return new Set(rows.map(({ key }) => key));
  }
}
