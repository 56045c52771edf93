// Memberships against SQL: at the watermark for everybody, and in the past at the very instants of changes.
import pg from 'pg';
import { compileSqlAtPoints } from '@tributary/domain/segmentation/sql/compile-sql';
import type { SegmentDefinition, SqlContext } from '@tributary/domain/segmentation/sql/context';
import { checkMemberships } from '../bench/check-result.ts';
import type { Evidence, StoredChange } from './evidence.ts';
import { type Finding, type Verdict, wrong } from './finding.ts';
import { LATER_SEGMENT, type Person, STEADY_SEGMENTS } from './scene.ts';

export interface MembersScene {
  readonly databaseUrl: string;
  readonly workspace: string;
  readonly evidence: Evidence;
  readonly people: readonly Person[];
  /** As they are now. */
  readonly segments: readonly SegmentDefinition[];
  readonly random: () => number;
}

const POINTS_MAX = 1_500;
const RELATIONS = { profiles: 'segmentation.rule_profiles', events: 'scoring.history', lists: 'segmentation.list_members', clusters: 'segmentation.rule_clusters', computed: 'segmentation.rule_computed' };

export async function checkMembers(scene: MembersScene): Promise<Verdict[]> {
  return [await checkNow(scene), await checkFlips(scene), ...checkPairs(scene)];
}

async function checkNow({ databaseUrl, workspace, segments }: MembersScene): Promise<Verdict> {
  const { members, wrong: count, examples } = await checkMemberships(databaseUrl, workspace, segments);
  const findings: Finding[] = Array.from({ length: count }, (_, index) => wrong(examples[index] ?? 'a membership is not that of SQL'));
  return { invariants: '4', title: 'memberships are those of SQL', checked: members, findings };
}

interface Point {
  readonly profileId: string;
  readonly atMs: number;
}

/** At flips and one ms before: who left before time, or on time's word alone while an event was known, shows here. */
async function checkFlips({ databaseUrl, workspace, evidence, random }: MembersScene): Promise<Verdict> {
  const steady = new Set(STEADY_SEGMENTS.map(({ key }) => key));
  // The past of people who were merged is not what it was then: their events have moved.
  const flips = evidence.changes.filter(({ profileId, segment, cause }) => steady.has(segment) && !evidence.merged.has(profileId) && (cause === 'time' || cause === 'event' || cause === 'late'));
  const chosen = sample(flips, POINTS_MAX, random);
  const points = chosen.flatMap(({ profileId, effectiveMs }): Point[] => [{ profileId, atMs: effectiveMs - 1 }, { profileId, atMs: effectiveMs }]);
  const expected = await askSql(databaseUrl, workspace, points);
  const changesOf = Map.groupBy(evidence.changes, ({ profileId }) => profileId);
  const findings: Finding[] = [];
  for (const point of points) {
    const found = membersAt(changesOf.get(point.profileId) ?? [], point.atMs);
    for (const segment of steady) {
      const isIn = found.has(segment);
      if (isIn !== expected.has(`${point.profileId} ${point.atMs} ${segment}`)) findings.push(wrong(`at ${point.atMs} ${point.profileId} was ${isIn ? 'in' : 'out of'} ${segment}, SQL says ${isIn ? 'out' : 'in'}`));
    }
  }
  return { invariants: '4, 7', title: 'memberships were those of SQL at flips and 1 ms before; nobody left early', checked: points.length * steady.size, findings };
}

async function askSql(url: string, workspace: string, points: readonly Point[]): Promise<Set<string>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('create temp table points (profile_id uuid, at_ms bigint)');
    await client.query('insert into points select * from unnest($1::uuid[], $2::bigint[])', [points.map(({ profileId }) => profileId), points.map(({ atMs }) => atMs)]);
    await client.query('analyze points');
    const context: SqlContext = { workspace, relations: RELATIONS, segments: STEADY_SEGMENTS };
    const { text, values } = compileSqlAtPoints(STEADY_SEGMENTS, context, 'points');
    const { rows } = await client.query<{ profile_id: string; at_ms: number; segment: string }>(text, [...values]);
    return new Set(rows.map(({ profile_id, at_ms, segment }) => `${profile_id} ${at_ms} ${segment}`));
  } finally {
    await client.end();
  }
}

function membersAt(changes: readonly StoredChange[], atMs: number): Set<string> {
  const members = new Set<string>();
  for (const { segment, change, effectiveMs } of changes) {
    if (effectiveMs > atMs) continue;
    if (change === 'entered') members.add(segment);
    else members.delete(segment);
  }
  return members;
}

/** Twins did the same in another order; two segments say the same, one of them from the middle of the run on. */
function checkPairs({ evidence, people }: MembersScene): Verdict[] {
  // At one instant for all: partitions stand at slightly different ones.
  const atMs = evidence.asOfMs - 1;
  const members = new Map([...Map.groupBy(evidence.changes, ({ profileId }) => profileId)].map(([profileId, changes]) => [profileId, membersAt(changes, atMs)]));
  const listed = (userId: string): string => [...(members.get(evidence.profiles.get(`userId:${userId}`) ?? '') ?? [])].sort().join(' ');
  const twins = people.flatMap(({ userId, twin }) => (twin === null ? [] : [[userId, twin] as const]));
  const different = twins.filter(([first, second]) => listed(first) !== listed(second)).map(([first, second]) => wrong(`${first} is in "${listed(first)}", its twin in "${listed(second)}"`));
  const isIn = (segment: string) => new Set([...members].filter(([, own]) => own.has(segment)).map(([profileId]) => profileId));
  const early = isIn('regular');
  const late = isIn(LATER_SEGMENT.key);
  const only = [...[...early].filter((id) => !late.has(id)), ...[...late].filter((id) => !early.has(id))].map((profileId) => wrong(`${profileId} is in one of regular and ${LATER_SEGMENT.key} only`));
  return [
    { invariants: '3', title: 'twins whose events came in another order are in the same segments', checked: twins.length, findings: different },
    { invariants: '11', title: 'a segment that was defined later has the same members', checked: early.size, findings: only },
  ];
}

function sample<Item>(items: readonly Item[], max: number, random: () => number): Item[] {
  if (items.length <= max) return [...items];
  const share = max / items.length;
  return items.filter(() => random() < share);
}
