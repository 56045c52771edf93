import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Views for analysts (docs/analytics.md), and what changes of static lists need. */
export class CreateAnalytics2 implements MigrationInterface {
  name = 'CreateAnalytics1700000000002';

  async up(runner: QueryRunner): Promise<void> {
    // Part of the message ids of changes, which must never come twice.
    await runner.query('create sequence segmentation.list_change');
    await runner.query('create index list_members_open on segmentation.list_members (profile_id) where to_ms is null');
    await runner.query('create schema analytics');
    for (const view of VIEWS) await runner.query(view);
    await runner.query('grant usage on schema analytics to public');
    await runner.query('grant select on all tables in schema analytics to public');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop schema analytics cascade; drop index segmentation.list_members_open; drop sequence segmentation.list_change');
  }
}

const VIEWS = [
  `create function analytics.instant(at_ms bigint) returns timestamptz language sql immutable as $$
     select 'epoch'::timestamptz + at_ms * interval '1 millisecond'
   $$`,

  `create view analytics.segment_members as
     select m.workspace, m.segment, s.name as segment_name, m.profile_id, analytics.instant(m.since_ms) as since, m.definition_version
     from segmentation.memberships m
     left join segmentation.segments s on s.workspace = m.workspace and s.key = m.segment`,

  `create view analytics.segment_changes as
     select workspace, segment, profile_id, sequence, change, cause, analytics.instant(effective_ms) as effective_at,
       analytics.instant(processed_ms) as processed_at, processed_ms - effective_ms as delay_ms, definition_version, reason
     from segmentation.changes`,

  `create view analytics.profiles as
     select p.workspace, p.profile_id, p.traits, p.computed, (p.scores ->> 'engagement')::numeric / 1000000 as engagement, p.cluster,
       analytics.instant(p.created_ms) as created_at, analytics.instant(p.updated_ms) as updated_at,
       (select coalesce(jsonb_agg(jsonb_build_object('type', i.type, 'value', i.value) order by i.type, i.value), '[]')
        from ingestion.profile_identifiers i where i.workspace = p.workspace and i.profile_id = p.profile_id) as identifiers
     from scoring.profiles_public p`,

  `create view analytics.events as
     select workspace, profile_id, message_id, type, name, analytics.instant(ts_ms) as occurred_at, analytics.instant(appended_ms) as known_at,
       body -> 'properties' as properties, body -> 'traits' as traits, body -> 'context' as context
     from scoring.history`,

  `create view analytics.segmentation_matrix as
     select p.workspace, p.profile_id, s.key as segment, m.profile_id is not null as is_member, analytics.instant(m.since_ms) as since,
       p.traits, p.computed, (p.scores ->> 'engagement')::numeric / 1000000 as engagement, p.cluster
     from scoring.profiles_public p
     join segmentation.segments s on s.workspace = p.workspace
     left join segmentation.memberships m on m.workspace = p.workspace and m.segment = s.key and m.profile_id = p.profile_id`,

  `create view analytics.segment_overlap as
     with sizes as (select workspace, segment, count(*) as size from segmentation.memberships group by workspace, segment),
       pairs as (
         select a.workspace, a.segment, b.segment as other, count(*) as both_count
         from segmentation.memberships a
         join segmentation.memberships b on b.workspace = a.workspace and b.profile_id = a.profile_id and b.segment <> a.segment
         group by a.workspace, a.segment, b.segment)
     select a.workspace, a.segment, b.segment as other, a.size as segment_size, b.size as other_size, coalesce(p.both_count, 0) as both_size,
       round(coalesce(p.both_count, 0)::numeric / a.size, 4) as share_of_segment,
       round(coalesce(p.both_count, 0)::numeric / (a.size + b.size - coalesce(p.both_count, 0)), 4) as jaccard
     from sizes a
     join sizes b on b.workspace = a.workspace and b.segment <> a.segment
     left join pairs p on p.workspace = a.workspace and p.segment = a.segment and p.other = b.segment`,
];
