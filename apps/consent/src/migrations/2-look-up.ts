import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What is known of a batch's people, in one round trip: three index look-ups for each who was never merged. The settings
 * pin those: a plan that was made while the tables were small would scan them when they have grown.
 */
export class LookUp2 implements MigrationInterface {
  name = 'LookUp1700000000002';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create function consent.look_up(workspaces text[], ids uuid[], asked text[])
      returns table (kind text, workspace text, profile uuid, subject text, says text, at bigint, receipt uuid)
      language plpgsql stable
      set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan
      as $$
        declare
          merged_workspaces text[];
          merged_ids uuid[];
        begin
          return query
            select 'policy', u.workspace, null::uuid, u.purpose, u.policy, null::bigint, null::uuid
            from consent.purposes u where u.workspace = any(asked);

          return query
            select 'decision', d.workspace, d.profile_id, d.purpose, d.decision, d.at_ms, d.receipt
            from unnest(workspaces, ids) as p (workspace, profile_id)
            join consent.decisions d on d.profile_id = p.profile_id and d.workspace = p.workspace;

          select array_agg(p.workspace), array_agg(p.profile_id) into merged_workspaces, merged_ids
          from unnest(workspaces, ids) as p (workspace, profile_id)
          cross join lateral (
            select from consent.merges m where m.loser = p.profile_id and m.workspace = p.workspace
            union all
            select from consent.merges m where m.survivor = p.profile_id and m.workspace = p.workspace
            limit 1
          ) e;
          if merged_ids is null then return; end if;

          -- Upwards always: a decision of this very batch counts for all who are one.
          return query
            with recursive risen (workspace, profile_id) as (
              select * from unnest(merged_workspaces, merged_ids)
              union
              select m.workspace, m.survivor from risen r join consent.merges m on m.loser = r.profile_id and m.workspace = r.workspace
            )
            select 'merge', m.workspace, m.loser, m.survivor::text, null, m.merged_ms, null::uuid
            from risen r join consent.merges m on m.loser = r.profile_id and m.workspace = r.workspace;

          with recursive person (workspace, profile_id) as (
            select * from unnest(merged_workspaces, merged_ids)
            union
            select p.workspace, e.other from person p cross join lateral (
              select m.survivor as other from consent.merges m where m.loser = p.profile_id and m.workspace = p.workspace
              union all
              select m.loser from consent.merges m where m.survivor = p.profile_id and m.workspace = p.workspace
            ) e
          )
          select array_agg(p.workspace), array_agg(p.profile_id) into merged_workspaces, merged_ids from person p;

          return query
            select 'decision', d.workspace, d.profile_id, d.purpose, d.decision, d.at_ms, d.receipt
            from unnest(merged_workspaces, merged_ids) as p (workspace, profile_id)
            join consent.decisions d on d.profile_id = p.profile_id and d.workspace = p.workspace;
          -- Through whom else they are one matters only where somebody decided something.
          if not found then return; end if;

          return query
            select 'merge', m.workspace, m.loser, m.survivor::text, null, m.merged_ms, null::uuid
            from unnest(merged_workspaces, merged_ids) as p (workspace, profile_id)
            join consent.merges m on m.loser = p.profile_id and m.workspace = p.workspace;
        end $$`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop function consent.look_up');
  }
}
