// One random case in both forms: the engine is fed the log, SQL is asked about the history, and every change and every
// sampled membership must agree.
import type pg from 'pg';
import { compileEngine, type Flip } from '@tributary/domain/segmentation/engine';
import { historyOf, SqlCase, type Change } from './ask-sql.ts';
import { compareMerged } from './compare-merged.ts';
import { compareReasons } from './compare-reasons.ts';
import { compilePattern, FedProfile } from './feed-engine.ts';
import { HORIZON_MS, PURPOSE_POLICIES, type Difference, type OracleCase } from './oracle-case.ts';

const FLIPS_SAMPLED_MAX = 60;

export async function compareForms(client: pg.ClientBase, oracleCase: OracleCase): Promise<Difference | undefined> {
  const { scene, segments, profiles, style } = oracleCase;
  const engine = compileEngine({ segments: segments.map((segment) => ({ ...segment, version: 1 })), timezone: scene.timezone, purposes: PURPOSE_POLICIES, compilePattern });
  const flips = new Map<string, readonly Flip[]>();
  for (const profile of profiles) {
    const fed = new FedProfile(engine, profile, style);
    fed.feedUpTo(scene.baseMs + HORIZON_MS + 1);
    flips.set(profile.profileId, fed.flips);
  }
  const sql = await SqlCase.load(client, oracleCase, historyOf(profiles));
  return (
    (await compareChanges(sql, oracleCase, flips)) ??
    (await comparePoints(sql, oracleCase, flips)) ??
    (await compareInstant(sql, oracleCase, flips)) ??
    (await compareReasons(sql, oracleCase, flips)) ??
    (await compareMerged(client, oracleCase, engine))
  );
}

type FlipsByProfile = ReadonlyMap<string, readonly Flip[]>;

async function compareChanges(sql: SqlCase, { scene, segments, profiles }: OracleCase, flips: FlipsByProfile): Promise<Difference | undefined> {
  for (const segment of segments) {
    const changes = await sql.changes(segment, scene.baseMs + HORIZON_MS);
    for (const { profileId } of profiles) {
      const inSql = showAll(changes.get(profileId) ?? []);
      const inEngine = showAll(changesOf(flips.get(profileId)!, segment.key));
      if (inSql.join() !== inEngine.join()) return { about: 'changes', segment: segment.key, profileId, engine: inEngine, sql: inSql };
    }
  }
  return undefined;
}

async function comparePoints(sql: SqlCase, { profiles, segments, samplesMs }: OracleCase, flips: FlipsByProfile): Promise<Difference | undefined> {
  const points = profiles.flatMap(({ profileId, knownFromMs }) => {
    const around = flips.get(profileId)!.slice(0, FLIPS_SAMPLED_MAX).flatMap(({ atMs }) => [atMs - 1, atMs, atMs + 1]);
    return [...new Set([...samplesMs, knownFromMs - 1, knownFromMs, ...around])].map((atMs) => ({ profileId, atMs }));
  });
  const isMember = await sql.isMemberAt(segments, points);
  for (const point of points) {
    for (const { key } of segments) {
      const inEngine = isInside(flips.get(point.profileId)!, key, point.atMs);
      if (inEngine !== isMember(key, point)) return { about: `membership at ${iso(point.atMs)}`, segment: key, profileId: point.profileId, engine: inEngine, sql: !inEngine };
    }
  }
  return undefined;
}

async function compareInstant(sql: SqlCase, { profiles, segments, samplesMs }: OracleCase, flips: FlipsByProfile): Promise<Difference | undefined> {
  const atMs = samplesMs[0]!;
  const isMember = await sql.isMember(segments, atMs);
  for (const { profileId } of profiles) {
    for (const { key } of segments) {
      const inEngine = isInside(flips.get(profileId)!, key, atMs);
      if (inEngine !== isMember(key, profileId)) return { about: `members as of ${iso(atMs)}`, segment: key, profileId, engine: inEngine, sql: !inEngine };
    }
  }
  return undefined;
}

export function isInside(flips: readonly Flip[], segment: string, atMs: number): boolean {
  return changesOf(flips, segment).findLast((change) => change.atMs <= atMs)?.inside ?? false;
}

function changesOf(flips: readonly Flip[], segment: string): readonly Change[] {
  return flips.filter((flip) => flip.segment === segment).map(({ atMs, change }) => ({ atMs, inside: change === 'entered' }));
}

export function showAll(changes: readonly Change[]): string[] {
  return changes.map(({ atMs, inside }) => `${iso(atMs)} ${inside ? 'entered' : 'left'}`);
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

