import type { RuleNode } from '@tributary/contracts/rule';
import type { Pool } from '@tributary/postgres/pool';
import { Problem } from '@tributary/service/problem';
import type { Preview } from './preview.js';
import { findThresholds, type ScoreLeaf } from './score-leaves.js';
import type { SegmentRow } from './segments.postgres.js';

const BUCKETS = 10;
const MOVES: readonly number[] = [-10, -5, 5, 10];
const SCORE_MAX = 100;

interface Move {
  readonly by: number;
  readonly value: number;
  readonly count: number;
  readonly enter: number;
  readonly leave: number;
}

/** How the threshold of a score segment lies among the scores of everybody, and what moving it would do. */
export class Thresholds {
  constructor(private readonly pool: Pool, private readonly preview: Preview) {}

  /** @throws Problem 422 for a segment that compares no score with a number */
  async show(segment: SegmentRow): Promise<object> {
    const [leaf] = findThresholds(toDefinition(segment));
    if (leaf === undefined) throw new Problem(422, 'no_threshold', 'This segment compares no score with a number by gt, gte, lt or lte.');
    const { path, score, op, value } = leaf;
    return { score, path, op, value, histogram: await this.#histogram(segment.workspace, score), moves: await this.#moves(segment, leaf) };
  }

  /** Each bucket begins at `from` and ends before `to`; the last one has those with exactly 100 too. */
  async #histogram(workspace: string, score: string): Promise<object[]> {
    const { rows } = await this.pool.query<{ bucket: number; count: number }>(
      `select least(width_bucket((scores ->> $2)::numeric, 0, ${SCORE_MAX * 1_000_000}, ${BUCKETS}), ${BUCKETS}) as bucket, count(*)
       from scoring.profiles_public where workspace = $1 and scores ? $2 group by 1`, [workspace, score]);
    const counts = new Map(rows.map(({ bucket, count }) => [bucket, count]));
    const width = SCORE_MAX / BUCKETS;
    return Array.from({ length: BUCKETS }, (_, index) => ({ from: index * width, to: (index + 1) * width, count: counts.get(index + 1) ?? 0 }));
  }

  async #moves(segment: SegmentRow, leaf: ScoreLeaf): Promise<Move[]> {
    const moves: Move[] = [];
    for (const by of MOVES) {
      const value = leaf.value + by;
      if (value < 0 || value > SCORE_MAX) continue;
      const { rule, stay } = moved(segment, leaf.path, value);
      const { count, enter, leave } = await this.preview.preview(segment.workspace, { rule, ...(stay === undefined ? {} : { stay }), replaces: segment.key });
      moves.push({ by, value, count, enter: enter.count, leave: leave.count });
    }
    return moves;
  }
}

function toDefinition({ rule, stay }: SegmentRow): { readonly rule: RuleNode; readonly stay?: RuleNode } {
  return { rule, ...(stay === null ? {} : { stay }) };
}

function moved(segment: SegmentRow, path: string, value: number): { readonly rule: RuleNode; readonly stay?: RuleNode } {
  const definition = structuredClone(toDefinition(segment));
  let node: unknown = definition;
  for (const part of path.slice(1).split('/')) node = (node as { readonly [part: string]: unknown })[part];
  (node as { value: number }).value = value;
  return definition;
}
