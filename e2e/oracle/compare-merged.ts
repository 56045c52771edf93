// Two profiles that become one: from the merge on the survivor is who it would be, had all events been its own.
import type pg from 'pg';
import type { RuleNode } from '@tributary/contracts/rule';
import type { Engine } from '@tributary/domain/segmentation/engine';
import { parseInstant } from '@tributary/domain/segmentation/parse-instant';
import { historyOf, SqlCase } from './ask-sql.ts';
import { isInside } from './compare-forms.ts';
import { FedProfile } from './feed-engine.ts';
import { HORIZON_MS, type Difference, type OracleCase } from './oracle-case.ts';
import type { RandomProfile } from './random-history.ts';
import { PURPOSES } from './random-scene.ts';

const FLIPS_SAMPLED_MAX = 30;

/**
 * Lists, clusters and computed traits are left out: what becomes of them is for their owners to say after the merge.
 * So are segments with memory: SQL has no past before the merge in which either was inside.
 */
export async function compareMerged(client: pg.ClientBase, oracleCase: OracleCase, engine: Engine): Promise<Difference | undefined> {
  const { profiles, mergedMs, samplesMs, scene, style } = oracleCase;
  const [survivor, loser] = profiles.slice(0, 2).map((profile) => ({ ...profile, switches: [] }));
  const segments = plainSegments(oracleCase);
  if (survivor!.knownFromMs > mergedMs || loser!.knownFromMs > mergedMs || segments.length === 0) return undefined;

  const [kept, given] = [new FedProfile(engine, survivor!, style), new FedProfile(engine, loser!, style)];
  kept.feedUpTo(mergedMs);
  given.feedUpTo(mergedMs);
  kept.merge(given, mergedMs);
  kept.feedUpTo(scene.baseMs + HORIZON_MS + 1);

  const { profileId } = survivor!;
  const events = [...survivor!.events, ...loser!.events.map((event) => ({ ...event, profileId }))].sort((a, b) => a.appendedAtMs - b.appendedAtMs);
  const united = { ...survivor!, events, knownFromMs: Math.min(survivor!.knownFromMs, loser!.knownFromMs) };
  const mergedWithdrawals = PURPOSES.filter((purpose) => [survivor!, loser!].some((one) => isWithdrawn(one, purpose, mergedMs))).map((purpose) => ({ profileId, purpose, mergedMs }));
  const sql = await SqlCase.load(client, oracleCase, { ...historyOf([united]), mergedWithdrawals });

  const around = kept.flips.filter(({ atMs }) => atMs >= mergedMs).slice(0, FLIPS_SAMPLED_MAX).flatMap(({ atMs }) => [atMs - 1, atMs]);
  const points = [...new Set([mergedMs, ...samplesMs, ...around])].filter((atMs) => atMs >= mergedMs).map((atMs) => ({ profileId, atMs }));
  const isMember = await sql.isMemberAt(segments, points);
  for (const point of points) {
    for (const { key } of segments) {
      const inEngine = isInside(kept.flips, key, point.atMs);
      if (inEngine !== isMember(key, point)) {
        const about = `membership at ${new Date(point.atMs).toISOString()} after the merge of ${loser!.profileId} at ${new Date(mergedMs).toISOString()}`;
        return { about, segment: key, profileId, engine: inEngine, sql: !inEngine };
      }
    }
  }
  return undefined;
}

function plainSegments({ segments }: OracleCase): OracleCase['segments'] {
  const remembering = new Set<string>();
  for (const { key, rule, stay } of segments) {
    if (stay || namesIn(rule).some((name) => remembering.has(name))) remembering.add(key);
  }
  const usesSwitches = (rule: RuleNode) => /"(list|cluster|computed)":/.test(JSON.stringify(rule));
  return segments.filter(({ key, rule }) => !remembering.has(key) && !usesSwitches(rule));
}

function namesIn(rule: RuleNode): readonly string[] {
  return [...JSON.stringify(rule).matchAll(/"segment":"([^"]*)"/g)].map(([, name]) => name!);
}

/** Whether a withdrawal stood for the profile at the merge: the latest decision, at one time the more restrictive. */
function isWithdrawn({ events }: RandomProfile, purpose: string, mergedMs: number): boolean {
  const decisions = events.flatMap(({ name, body, appendedAtMs, timestampMs }) => {
    const properties = (body as { properties?: Record<string, string> }).properties;
    if (name !== 'Consent Updated' || properties?.['purpose'] !== purpose || appendedAtMs > mergedMs) return [];
    return [{ decision: properties['decision'], atMs: parseInstant(properties['occurredAt']) ?? timestampMs }];
  });
  const made = decisions.filter(({ decision }) => decision === 'granted' || decision === 'withdrawn');
  const latestMs = Math.max(...made.map(({ atMs }) => atMs));
  return made.some(({ decision, atMs }) => atMs === latestMs && decision === 'withdrawn');
}
