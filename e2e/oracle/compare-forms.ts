// One random case in both forms: the engine is fed the log, SQL is asked about the history, and every change and every
// sampled membership must agree.
import fc from 'fast-check';
import type pg from 'pg';
import type { Json } from '@tributary/contracts/rule';
import { compileEngine, type Engine, type Flip } from '@tributary/domain/segmentation/engine';
import { compileChangesSql, compileSql, compileSqlAtPoints } from '@tributary/domain/segmentation/sql/compile-sql';
import type { MatchedStrings, SegmentDefinition, SqlContext } from '@tributary/domain/segmentation/sql/context';
import { listOutsidePatterns } from '@tributary/domain/segmentation/sql/list-outside-patterns';
import { compilePattern, FedProfile, type FeedStyle } from './feed-engine.ts';
import { randomProfiles, type RandomProfile } from './random-history.ts';
import { randomSegments } from './random-rule.ts';
import { DAY_MS, SCENES, SLOT_MS, SLOTS, type Scene } from './random-scene.ts';
import { clearRelations, loadHistory, loadPoints, relations, type History, type Piece } from './sql-history.ts';

export interface OracleCase {
  readonly scene: Scene;
  readonly segments: readonly SegmentDefinition[];
  readonly profiles: readonly RandomProfile[];
  readonly samplesMs: readonly number[];
  readonly style: FeedStyle;
}

export interface Difference {
  readonly about: 'changes' | 'at points' | 'at an instant';
  readonly segment: string;
  readonly profileId: string;
  readonly engine: unknown;
  readonly sql: unknown;
}

const PURPOSE_POLICIES = { profiling: 'opt-out' } as const;
/** All windows of a case but the longest have run out by then. */
const HORIZON_MS = 40 * DAY_MS;
const FLIPS_SAMPLED_MAX = 60;
const CLEAR_EVERY = 200;

export const oracleCases: fc.Arbitrary<OracleCase> = fc.constantFrom(...SCENES).chain((scene) =>
  fc.record({
    scene: fc.constant(scene),
    segments: randomSegments(scene),
    profiles: randomProfiles(scene),
    samplesMs: fc.array(fc.integer({ min: 0, max: SLOTS + 48 }).map((slot) => scene.baseMs + slot * SLOT_MS), { minLength: 1, maxLength: 4 }),
    style: fc.record({ repeats: fc.boolean(), stores: fc.boolean(), ticksMs: fc.constantFrom(undefined, DAY_MS, 3 * SLOT_MS) }),
  }),
);

interface Change {
  readonly atMs: number;
  readonly inside: boolean;
}

let loaded = 0;

export async function compareForms(client: pg.ClientBase, oracleCase: OracleCase): Promise<Difference | undefined> {
  const { scene, segments, profiles } = oracleCase;
  const upToMs = scene.baseMs + HORIZON_MS;
  const engine = compileEngine({ segments: segments.map((segment) => ({ ...segment, version: 1 })), timezone: scene.timezone, purposes: PURPOSE_POLICIES, compilePattern });
  const byEngine = new Map(profiles.map((profile) => [profile.profileId, replay(engine, profile, oracleCase.style, upToMs)]));

  if (++loaded % CLEAR_EVERY === 0) await clearRelations(client);
  const workspace = `case-${loaded}`;
  await loadHistory(client, workspace, historyOf(profiles));
  const bare: SqlContext = { workspace, relations, timezone: scene.timezone, purposes: PURPOSE_POLICIES };
  const context = { ...bare, matches: await matchOutside(client, segments, bare) };
  return (
    (await compareChanges(client, { segments, profiles, context, byEngine, upToMs })) ??
    (await comparePoints(client, { oracleCase, context, byEngine, workspace })) ??
    (await compareInstants(client, { oracleCase, context, byEngine }))
  );
}

type Replayed = ReadonlyMap<string, readonly Change[]>;

/** The engine's changes by segment. */
function replay(engine: Engine, profile: RandomProfile, style: FeedStyle, upToMs: number): Replayed {
  const fed = new FedProfile(engine, profile, style);
  fed.feedUpTo(upToMs + 1);
  return changesOf(engine, fed.flips);
}

function changesOf(engine: Engine, flips: readonly Flip[]): Replayed {
  return new Map(engine.segmentKeys.map((key) => [key, flips.filter((flip) => flip.segment === key).map((flip) => ({ atMs: flip.atMs, inside: flip.change === 'entered' }))]));
}

function historyOf(profiles: readonly RandomProfile[]): History {
  const pieces = <Value>(kind: string, isOne: (value: Json) => boolean): (Piece & { key: string; value: Value })[] =>
    profiles.flatMap(({ profileId, switches }) =>
      switches.filter((one) => one.kind === kind).flatMap((one, i, all) => {
        const next = all.slice(i + 1).find(({ key }) => key === one.key);
        return isOne(one.value) ? [{ profileId, key: one.key, value: one.value as Value, fromMs: one.atMs, toMs: next?.atMs ?? null }] : [];
      }),
    );
  return {
    profiles,
    events: profiles.flatMap(({ events }) => events),
    lists: pieces('list', (value) => value === true).map((one) => ({ ...one, list: one.key })),
    clusters: pieces<string>('cluster', (value) => value !== null).map((one) => ({ ...one, model: one.key, label: one.value })),
    computed: pieces('computed', (value) => value !== null),
  };
}

async function matchOutside(client: pg.ClientBase, segments: readonly SegmentDefinition[], context: SqlContext): Promise<MatchedStrings[]> {
  const matched: MatchedStrings[] = [];
  for (const { pattern, ignoreCase, text, values } of listOutsidePatterns(segments, context)) {
    const { rows } = await client.query<{ value: string }>(text, [...values]);
    const matches = compilePattern(pattern, { ignoreCase });
    matched.push({ pattern, ignoreCase, strings: rows.map(({ value }) => value).filter(matches) });
  }
  return matched;
}

interface Compared {
  readonly segments: readonly SegmentDefinition[];
  readonly profiles: readonly RandomProfile[];
  readonly context: SqlContext;
  readonly byEngine: ReadonlyMap<string, Replayed>;
  readonly upToMs: number;
}

async function compareChanges(client: pg.ClientBase, { segments, profiles, context, byEngine, upToMs }: Compared): Promise<Difference | undefined> {
  for (const segment of segments) {
    const { text, values } = compileChangesSql(segment, { ...context, segments }, upToMs);
    const { rows } = await client.query<{ profile_id: string; at_ms: string; inside: boolean }>(text, [...values]);
    for (const { profileId } of profiles) {
      const sql = rows.filter((row) => row.profile_id === profileId).map((row): Change => ({ atMs: Number(row.at_ms), inside: row.inside }));
      const engine = byEngine.get(profileId)!.get(segment.key)!;
      if (JSON.stringify(showAll(sql)) !== JSON.stringify(showAll(engine))) {
        return { about: 'changes', segment: segment.key, profileId, engine: showAll(engine), sql: showAll(sql) };
      }
    }
  }
  return undefined;
}

function showAll(changes: readonly Change[]): string[] {
  return changes.map(({ atMs, inside }) => `${new Date(atMs).toISOString()} ${inside ? 'entered' : 'left'}`);
}

interface Sampled {
  readonly oracleCase: OracleCase;
  readonly context: SqlContext;
  readonly byEngine: ReadonlyMap<string, Replayed>;
}

async function comparePoints(client: pg.ClientBase, { oracleCase, context, byEngine, workspace }: Sampled & { readonly workspace: string }): Promise<Difference | undefined> {
  const { profiles, segments, samplesMs } = oracleCase;
  const points = profiles.flatMap(({ profileId, knownFromMs }) => {
    const flips = [...byEngine.get(profileId)!.values()].flat().slice(0, FLIPS_SAMPLED_MAX);
    const around = flips.flatMap(({ atMs }) => [atMs - 1, atMs, atMs + 1]);
    return [...new Set([...samplesMs, knownFromMs - 1, knownFromMs, ...around])].map((atMs) => ({ profileId, atMs }));
  });
  await loadPoints(client, workspace, points);
  const { text, values } = compileSqlAtPoints(segments, { ...context, segments }, `(SELECT profile_id, at_ms FROM oracle_points WHERE workspace = '${workspace}')`);
  const { rows } = await client.query<{ profile_id: string; at_ms: string; segment: string }>(text, [...values]);
  const found = new Set(rows.map((row) => `${row.segment} ${row.profile_id} ${row.at_ms}`));
  for (const { profileId, atMs } of points) {
    for (const { key } of segments) {
      const engine = isInside(byEngine.get(profileId)!.get(key)!, atMs);
      const sql = found.has(`${key} ${profileId} ${atMs}`);
      if (engine !== sql) return { about: 'at points', segment: key, profileId, engine: { at: new Date(atMs).toISOString(), member: engine }, sql: { member: sql } };
    }
  }
  return undefined;
}

async function compareInstants(client: pg.ClientBase, { oracleCase, context, byEngine }: Sampled): Promise<Difference | undefined> {
  const { segments, profiles, samplesMs } = oracleCase;
  const atMs = samplesMs[0]!;
  const { text, values } = compileSql(segments, { ...context, segments }, atMs);
  const { rows } = await client.query<{ profile_id: string; segment: string }>(text, [...values]);
  for (const { profileId } of profiles) {
    for (const { key } of segments) {
      const engine = isInside(byEngine.get(profileId)!.get(key)!, atMs);
      const sql = rows.some((row) => row.profile_id === profileId && row.segment === key);
      if (engine !== sql) return { about: 'at an instant', segment: key, profileId, engine: { at: new Date(atMs).toISOString(), member: engine }, sql: { member: sql } };
    }
  }
  return undefined;
}

function isInside(changes: readonly Change[], atMs: number): boolean {
  return changes.findLast((change) => change.atMs <= atMs)?.inside ?? false;
}
