import type { Identifier, SegmentChange } from '@tributary/contracts/change';
import { partitionOf } from '@tributary/contracts/shard';
import { segmentsChanged } from '@tributary/contracts/topics/segments-changed';
import { bigintArray, intArray, jsonbArray, textArray, uuidArray } from '@tributary/postgres/binary-array';
import type { Pool } from '@tributary/postgres/pool';
import type { Write } from '@tributary/postgres/write';
import { newTraceparent } from '@tributary/service/traceparent';
import type { OutRecord } from '@tributary/stream/stage';
import type { PendingChange, ProfileRecord } from './profile-record.js';

/** The version of the record's form; it changes compatibly only (docs/asyncapi.yaml). */
const SCHEMA_VERSION = '1';

/** Turns changes into rows of the change log, present memberships, and public records. */
export class ChangeLog {
  constructor(private readonly pool: Pool, private readonly options: { readonly partitions: number; readonly clock: () => number }) {}

  async publish(profiles: readonly ProfileRecord[], record: (record: OutRecord) => void): Promise<Write[]> {
    if (profiles.length === 0) return [];
    const identifiers = await this.#identifiersOf(profiles);
    const processedMs = this.options.clock();
    const rows = profiles.flatMap((profile) => profile.changes.map((change) => ({ profile, change, reason: JSON.stringify(reasonOf(change.flip)) })));
    for (const row of rows) record(this.#toRecord(row, identifiers.get(row.profile.profileId) ?? [], processedMs));
    return [insertChanges(rows, processedMs), ...writeMemberships(profiles)];
  }

  async #identifiersOf(profiles: readonly ProfileRecord[]): Promise<Map<string, Identifier[]>> {
    const { rows } = await this.pool.query<{ profileId: string; type: string; value: string }>({
      name: 'identifiers-of-profiles',
      // By profile alone: with the workspace in the condition the planner may walk all identifiers of the workspace.
      text: `select i."profileId", i.type, i.value from unnest($1::uuid[]) k(profile_id)
        cross join lateral (
          select profile_id as "profileId", type, value from ingestion.profile_identifiers where profile_id = k.profile_id order by type, value
        ) i`,
      values: [uuidArray(profiles.map(({ profileId }) => profileId))],
    });
    const found = new Map<string, Identifier[]>();
    for (const { profileId, type, value } of rows) {
      const list = found.get(profileId);
      if (list === undefined) found.set(profileId, [{ type, value }]);
      else list.push({ type, value });
    }
    return found;
  }

  #toRecord({ profile, change: { flip, cause, sequence, traceparent = newTraceparent() }, reason }: ChangeRow, identifiers: readonly Identifier[], processedMs: number): OutRecord {
    const { workspace, profileId } = profile;
    const value: Omit<SegmentChange, 'reason'> = {
      workspace, profileId, identifiers,
      segment: flip.segment,
      change: flip.change,
      effectiveAt: new Date(flip.atMs).toISOString(),
      processedAt: new Date(processedMs).toISOString(),
      cause,
      definitionVersion: flip.version,
      sequence,
    };
    return {
      topic: segmentsChanged.name, partition: partitionOf(profileId, this.options.partitions), key: Buffer.from(profileId),
      // The reason is stored too, and may be long: it is serialized once.
      value: Buffer.from(`${JSON.stringify(value).slice(0, -1)},"reason":${reason}}`),
      headers: { 'schema-version': SCHEMA_VERSION, workspace, traceparent },
    };
  }
}

interface ChangeRow {
  readonly profile: ProfileRecord;
  readonly change: PendingChange;
  /** As JSON. */
  readonly reason: string;
}

function reasonOf({ nodes, event }: PendingChange['flip']): SegmentChange['reason'] {
  return {
    nodes,
    ...(event === undefined ? {} : { event: { messageId: event.messageId, name: event.name, timestamp: new Date(event.timestampMs).toISOString() } }),
  };
}

function insertChanges(rows: readonly ChangeRow[], processedMs: number): Write {
  return {
    text: `insert into segmentation.changes (workspace, profile_id, sequence, segment, change, effective_ms, processed_ms, cause, definition_version, reason)
      select workspace, profile_id, sequence, segment, change, effective_ms, $1, cause, definition_version, reason
      from unnest($2::text[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::int[], $10::jsonb[])
        n(workspace, profile_id, sequence, segment, change, effective_ms, cause, definition_version, reason)`,
    values: [
      processedMs,
      textArray(rows.map(({ profile }) => profile.workspace)),
      uuidArray(rows.map(({ profile }) => profile.profileId)),
      bigintArray(rows.map(({ change }) => change.sequence)),
      textArray(rows.map(({ change }) => change.flip.segment)),
      textArray(rows.map(({ change }) => change.flip.change)),
      bigintArray(rows.map(({ change }) => change.flip.atMs)),
      textArray(rows.map(({ change }) => change.cause)),
      intArray(rows.map(({ change }) => change.flip.version)),
      jsonbArray(rows.map(({ reason }) => reason)),
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
        textArray(entered.map(({ profile }) => profile.workspace)),
        textArray(entered.map(({ flip }) => flip.segment)),
        uuidArray(entered.map(({ profile }) => profile.profileId)),
        bigintArray(entered.map(({ flip }) => flip.atMs)),
        intArray(entered.map(({ flip }) => flip.version)),
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
      values: [textArray(left.map(({ profile }) => profile.workspace)), textArray(left.map(({ flip }) => flip.segment)), uuidArray(left.map(({ profile }) => profile.profileId))],
    });
  }
  return writes;
}
