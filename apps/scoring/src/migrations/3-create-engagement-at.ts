import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The engagement score of every profile of a workspace at one instant, straight from the history: for analysts, and the
 * oracle that the stage is tested against. Integers throughout, in millionths.
 */
export class CreateEngagementAt1700000000003 implements MigrationInterface {
  name = 'CreateEngagementAt1700000000003';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create view scoring.score_models_public as select workspace, key, version, definition from scoring.score_models;

      -- The e-mail id of a body as text: strings as they are, numbers as JavaScript prints them, true and false.
      create function scoring.email_id(body jsonb) returns text language sql immutable as $$
        select case jsonb_typeof(body->'properties'->'email_id')
          when 'string' then body->'properties'->>'email_id'
          when 'boolean' then body->'properties'->>'email_id'
          when 'number' then case
            when abs((body->'properties'->>'email_id')::numeric) between 1e-300 and 1e300 or (body->'properties'->>'email_id')::numeric = 0 then (body->'properties'->>'email_id')::float8::text::numeric::text
          end
        end
      $$;

      create function scoring.engagement_at(of_workspace text, at_ms bigint)
        returns table (profile_id uuid, score bigint) language sql stable as $$
      with given as (
        select definition from scoring.score_models_public where workspace = of_workspace and key = 'engagement'
      ), model as (
        select
          coalesce((definition->>'openWeight')::bigint, 4) as open_weight,
          coalesce((definition->>'clickWeight')::bigint, 3) as click_weight,
          coalesce((definition->>'visitWeight')::bigint, 3) as visit_weight,
          coalesce((definition->>'mailWindowMs')::bigint, 2592000000) as mail_window_ms,
          coalesce((definition->>'visitWindowMs')::bigint, 604800000) as visit_window_ms,
          coalesce((definition->>'sessionGapMs')::bigint, 1800000) as session_gap_ms,
          coalesce((definition->>'sessionsMax')::bigint, 10) as sessions_max
        from (select 1) one left join given on true
      ), mails as (
        select h.profile_id, h.name, scoring.email_id(h.body) as email_id
        from scoring.history h, model m
        where h.workspace = of_workspace and h.type = 'track'
          and h.name in ('Email Delivered', 'Email Opened', 'Email Link Clicked')
          and h.ts_ms > at_ms - m.mail_window_ms and h.ts_ms <= at_ms and h.appended_ms <= at_ms
          and (h.name = 'Email Delivered' or coalesce(h.body->'properties'->'machine', 'false') <> 'true')
      ), mail_counts as (
        select c.profile_id,
          count(distinct email_id) filter (where name = 'Email Delivered') as delivered,
          count(distinct email_id) filter (where name = 'Email Opened') as opened,
          count(distinct email_id) filter (where name = 'Email Link Clicked') as clicked
        from mails c group by c.profile_id
      ), views as (
        select h.profile_id, h.ts_ms, lag(h.ts_ms) over (partition by h.profile_id order by h.ts_ms, h.message_id) as before_ms
        from scoring.history h, model m
        where h.workspace = of_workspace and h.type = 'page'
          and h.ts_ms > at_ms - m.visit_window_ms - m.session_gap_ms and h.ts_ms <= at_ms and h.appended_ms <= at_ms
      ), session_counts as (
        select v.profile_id, count(*) as sessions
        from views v, model m
        where v.ts_ms > at_ms - m.visit_window_ms and (v.before_ms is null or v.before_ms <= v.ts_ms - m.session_gap_ms)
        group by v.profile_id
      ), rates as (
        select p.profile_id,
          case when coalesce(c.delivered, 0) = 0 then 0 else least(c.opened, c.delivered) * 100000000 / c.delivered end as open,
          case when coalesce(c.delivered, 0) = 0 then 0 else least(c.clicked, c.delivered) * 100000000 / c.delivered end as click,
          least(coalesce(s.sessions, 0), m.sessions_max) * 100000000 / m.sessions_max as visits
        from (select distinct h.profile_id from scoring.history h where h.workspace = of_workspace and h.appended_ms <= at_ms) p
          cross join model m
          left join mail_counts c using (profile_id)
          left join session_counts s using (profile_id)
      )
      select r.profile_id, (m.open_weight * r.open + m.click_weight * r.click + m.visit_weight * r.visits) / 10
      from rates r, model m
      $$;

      grant select on scoring.score_models_public to public;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop function scoring.engagement_at, scoring.email_id; drop view scoring.score_models_public');
  }
}
