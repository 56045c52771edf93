import type { Pool } from '@tributary/postgres/pool';
import { parseRef } from '@tributary/service/profile-directory';

export interface Question {
  readonly workspace: string;
  readonly segment: string;
  readonly ref: string;
}

export interface Answer {
  readonly isProfile: boolean;
  readonly isSegment: boolean;
  readonly sinceMs: number | null;
  readonly asOfMs: number | null;
}

const BATCH_MAX = 2_000;

/** Questions that come while another is on its way go to the database together: one query for many callers. */
export class MembershipLookup {
  #waiting: { readonly question: Question; readonly resolve: (answer: Answer) => void; readonly reject: (error: unknown) => void }[] = [];
  #isAsking = false;

  constructor(private readonly pool: Pool, private readonly partitions: number) {}

  /** @throws Problem 400 for a malformed reference */
  find(question: Question): Promise<Answer> {
    parseRef(question.ref);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ question, resolve, reject });
      if (!this.#isAsking) void this.#ask();
    });
  }

  async isSegment(workspace: string, segment: string): Promise<boolean> {
    const { rowCount } = await this.pool.query({ name: 'is-segment', text: 'select 1 from segmentation.segments where workspace = $1 and key = $2', values: [workspace, segment] });
    return rowCount === 1;
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    // Whoever calls in the same turn of the event loop joins.
    await new Promise(setImmediate);
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH_MAX);
      try {
        const answers = await this.#query(batch.map(({ question }) => question));
        batch.forEach(({ resolve }, index) => resolve(answers[index] as Answer));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#isAsking = false;
  }

  async #query(questions: readonly Question[]): Promise<Answer[]> {
    const refs = questions.map(({ ref }) => parseRef(ref));
    const { rows } = await this.pool.query<Answer>({
      name: 'find-memberships',
      text: `with standing as (
          select case when count(watermark_ms) = $6 then min(watermark_ms) end as as_of from stream.progress where stage = 'segmentation' and partition < $6
        )
        select p.id is not null as "isProfile", s.key is not null as "isSegment", m.since_ms as "sinceMs", (select as_of from standing) as "asOfMs"
        from unnest($1::text[], $2::text[], $3::uuid[], $4::text[], $5::text[]) with ordinality q(workspace, segment, id, type, value, place)
        left join lateral (
          select survivor_id as id from ingestion.profile_survivors v where q.id is not null and v.workspace = q.workspace and v.profile_id = q.id
          union all
          select profile_id from ingestion.profile_identifiers i where q.id is null and i.workspace = q.workspace and i.type = q.type and i.value = q.value
        ) p on true
        left join segmentation.segments s on s.workspace = q.workspace and s.key = q.segment
        left join segmentation.memberships m on m.workspace = q.workspace and m.segment = q.segment and m.profile_id = p.id
        order by q.place`,
      values: [
        questions.map(({ workspace }) => workspace),
        questions.map(({ segment }) => segment),
        refs.map((ref) => ('id' in ref ? ref.id : null)),
        refs.map((ref) => ('id' in ref ? null : ref.type)),
        refs.map((ref) => ('id' in ref ? null : ref.value)),
        this.partitions,
      ],
    });
    return rows;
  }
}
