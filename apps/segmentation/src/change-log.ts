import type { Identifier, SegmentChange } from '@tributary/contracts/change';
import { segmentsChanged } from '@tributary/contracts/topics/segments-changed';
import type { Pool } from '@tributary/postgres/pool';
import type { Write } from '@tributary/postgres/write';
import { newTraceparent } from '@tributary/service/traceparent';
import type { OutRecord } from '@tributary/stream/stage';
import type { PendingChange, ProfileRecord } from './profile-record.js';

/** The version of the record's form; it changes compatibly only (docs/asyncapi.yaml). */
const SCHEMA_VERSION = '1';

/** Turns changes into rows of the change log, present memberships, and public records. */
export class ChangeLog {
  constructor(private readonly pool: Pool, private readonly clock: () => number) {}

  async publish(profiles: readonly ProfileRecord[], record: (record: OutRecord) => void): Promise<Write[]> {
    if (profiles.length === 0) return [];
    const identifiers = await this.#identifiersOf(profiles);
    const processedMs = this.clock();
    for (const profile of profiles) {
      for (const change of profile.changes) record(toRecord(profile, change, identifiers.get(profile.profileId) ?? [], processedMs));
    }
    return [insertChanges(profiles, processedMs), ...writeMemberships(profiles)];
  }

  async #identifiersOf(profiles: readonly ProfileRecord[]): Promise<Map<string, Identifier[]>> {
    const { rows } = await this.pool.query<{ profileId: string; type: string; value: string }>({
      name: 'identifiers-of-profiles',
      // By profile alone: with the workspace in the condition the planner may walk all identifiers of the workspace.
      text: `select i."profileId", i.type, i.value from unnest($1::uuid[]) k(profile_id)
        cross join lateral (
          select profile_id as "profileId", type, value from ingestion.profile_identifiers where profile_id = k.profile_id order by type, value
        ) i`,
      values: [profiles.map(({ profileId }) => profileId)],
    });
    const found = new Map<string, Identifier[]>();
    for (const { profileId, type, value } of rows) {
      const list = found.get(profileId);
      if (list === undefined) found.set(profileId, [{ type, value }]);
      else list.push({ type, value });
    }
    return found;
  }
}

function toRecord({ workspace, profileId }: ProfileRecord, { flip, cause, sequence, traceparent = newTraceparent() }: PendingChange, identifiers: readonly Identifier[], processedMs: number): OutRecord {
  const value: SegmentChange = {
    workspace, profileId, identifiers,
    segment: flip.segment,
    change: flip.change,
    effectiveAt: new Date(flip.atMs).toISOString(),
    processedAt: new Date(processedMs).toISOString(),
    cause,
    definitionVersion: flip.version,
    sequence,
    reason: reasonOf(flip),
  };
  return { topic: segmentsChanged.name, key: Buffer.from(profileId), value: Buffer.from(JSON.stringify(value)), headers: { 'schema-version': SCHEMA_VERSION, workspace, traceparent } };
}

function reasonOf({ nodes, event }: PendingChange['flip']): SegmentChange['reason'] {
  return {
    nodes,
    ...(event === undefined ? {} : { event: { messageId: event.messageId, name: event.name, timestamp: new Date(event.timestampMs).toISOString() } }),
  };
}

function insertChanges(profiles: readonly ProfileRecord[], processedMs: number): Write {
  const rows = profiles.flatMap((profile) => profile.changes.map((change) => ({ profile, ...change })));
  return {
    text: `insert into segmentation.changes (workspace, profile_id, sequence, segment, change, effective_ms, processed_ms, cause, definition_version, reason)
      select workspace, profile_id, sequence, segment, change, effective_ms, $1, cause, definition_version, reason
      from unnest($2::text[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::int[], $10::jsonb[])
        n(workspace, profile_id, sequence, segment, change, effective_ms, cause, definition_version, reason)`,
    values: [
      processedMs,
      rows.map(({ profile }) => profile.workspace),
      rows.map(({ profile }) => profile.profileId),
      rows.map(({ sequence }) => sequence),
      rows.map(({ flip }) => flip.segment),
      rows.map(({ flip }) => flip.change),
      rows.map(({ flip }) => flip.atMs),
      rows.map(({ cause }) => cause),
      rows.map(({ flip }) => flip.version),
      rows.map(({ flip }) => JSON.stringify(reasonOf(flip))),
    ],
  };
}

/** Where a profile flips several times in a batch, the last one is what stands. */
function writeMemberships(profiles: readonly ProfileRecord[]): Write[] {
  const last = profiles.flatMap((profile) => [...new Map(profile.changes.map(({ flip }) => [flip.segment, flip])).values()].map((flip) => ({ profile, flip })));
  const entered = last.filter(({ flip }) => flip.change === 'entered');
  const left = last.filter(({ flip }) => flip.change === 'left');
  const writes: Write[] = [];
  if (entered.length > 0) {
    writes.push({
      text: `insert into segmentation.memberships (workspace, segment, profile_id, since_ms, definition_version)
        select * from unnest($1::text[], $2::text[], $3::uuid[], $4::bigint[], $5::int[])
        on conflict (workspace, segment, profile_id) do update set since_ms = excluded.since_ms, definition_version = excluded.definition_version`,
      values: [
        entered.map(({ profile }) => profile.workspace),
        entered.map(({ flip }) => flip.segment),
        entered.map(({ profile }) => profile.profileId),
        entered.map(({ flip }) => flip.atMs),
        entered.map(({ flip }) => flip.version),
      ],
    });
  }
  if (left.length > 0) {
    writes.push({
      // Person by person through the key: planned as a join, it may walk all memberships for each of them.
      text: `delete from segmentation.memberships where ctid = any(array(
        select m.ctid from unnest($1::text[], $2::text[], $3::uuid[]) n(workspace, segment, profile_id)
        cross join lateral (
          select ctid from segmentation.memberships where workspace = n.workspace and segment = n.segment and profile_id = n.profile_id limit 1
        ) m))`,
      values: [left.map(({ profile }) => profile.workspace), left.map(({ flip }) => flip.segment), left.map(({ profile }) => profile.profileId)],
    });
  }
  return writes;
}
