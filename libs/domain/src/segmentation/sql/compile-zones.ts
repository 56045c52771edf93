import type { Compilation, Frame } from './frame.js';
import { ofWorkspace } from './frame.js';

/** The workspace's zone where it is one, else UTC (rule 10). */
export function workspaceZone({ parameters, context }: Compilation): string {
  return `coalesce((SELECT w.zone FROM rules.time_zones w WHERE w.name = ${parameters.text(context.timezone ?? 'UTC')}), 'UTC')`;
}

/** `(profile_id, zone)` for all `people`, at the frame's instant. */
export function compileZones(compilation: Compilation, frame: Frame): string {
  const { parameters, context } = compilation;
  const value = `e.body -> 'traits' -> ${parameters.text('timezone')}`;
  return `SELECT p.profile_id, coalesce(n.zone, ${workspaceZone(compilation)}) AS zone FROM people p
    LEFT JOIN (SELECT DISTINCT ON (e.profile_id) e.profile_id, rules.str(${value}) AS name FROM ${context.relations.events} e
      WHERE ${ofWorkspace(compilation, 'e')} AND e.type = 'identify' AND ${frame.known('e')} AND ${value} IS NOT NULL
      ORDER BY e.profile_id, e.ts_ms DESC, e.message_id COLLATE "C" DESC) v ON v.profile_id = p.profile_id
    LEFT JOIN rules.time_zones n ON n.name = v.name`;
}
