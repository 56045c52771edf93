import type { Write } from '@tributary/postgres/write';
import type { ListNews, ProfileRecord } from './profile-record.js';

type Told = Pick<ProfileRecord, 'workspace' | 'profileId' | 'listChanges'>;

/** One profile and list in a batch: when it was first put off the list, and the stays that began in the batch. */
interface Stays {
  readonly workspace: string;
  readonly profileId: string;
  readonly list: string;
  closedMs: number | null;
  readonly opened: { readonly fromMs: number; toMs: number | null; readonly unlessOpen: boolean }[];
}

/** The stays on static lists as the SQL form reads them: from when to when, by append time. */
export function writeLists(profiles: readonly Told[]): Write[] {
  const told = profiles.filter(({ listChanges }) => listChanges.length > 0);
  if (told.length === 0) return [];
  const stays = told.flatMap(staysOf);
  const merges = told.flatMap(({ workspace, profileId, listChanges }) => listChanges.flatMap((news) => (news.is === 'merge' ? [{ workspace, profileId, ...news }] : [])));
  const closed = stays.filter(({ closedMs }) => closedMs !== null);
  return [
    ...(closed.length === 0 ? [] : [closeStays(closed)]),
    ...(stays.some(({ opened }) => opened.length > 0) ? [openStays(stays)] : []),
    ...(merges.length === 0 ? [] : [takeOver(merges, closed), endOfLosers(merges)]),
  ];
}

function staysOf({ workspace, profileId, listChanges }: Told): Stays[] {
  const byList = new Map<string, Stays>();
  for (const news of listChanges) {
    if (news.is === 'change') addTo(byList, news, { workspace, profileId });
  }
  return [...byList.values()];
}

function addTo(byList: Map<string, Stays>, { list, member, atMs }: Extract<ListNews, { is: 'change' }>, of: { readonly workspace: string; readonly profileId: string }): void {
  let stays = byList.get(list);
  if (stays === undefined) byList.set(list, (stays = { ...of, list, closedMs: null, opened: [] }));
  const last = stays.opened[stays.opened.length - 1];
  if (member && (last === undefined || last.toMs !== null)) stays.opened.push({ fromMs: atMs, toMs: null, unlessOpen: stays.closedMs === null });
  if (member) return;
  stays.closedMs ??= atMs;
  if (last !== undefined && last.toMs === null) last.toMs = atMs;
}

function closeStays(closed: readonly Stays[]): Write {
  return {
    text: `update segmentation.list_members m set to_ms = n.at_ms from unnest($1::text[], $2::text[], $3::uuid[], $4::bigint[]) n(workspace, list, profile_id, at_ms)
      where m.workspace = n.workspace and m.list = n.list and m.profile_id = n.profile_id and m.to_ms is null`,
    values: closedValues(closed),
  };
}

function closedValues(closed: readonly Stays[]): unknown[] {
  return [closed.map(({ workspace }) => workspace), closed.map(({ list }) => list), closed.map(({ profileId }) => profileId), closed.map(({ closedMs }) => closedMs)];
}

/** Who is put on a list again while on it goes on with the stay that is open. */
function openStays(stays: readonly Stays[]): Write {
  const rows = stays.flatMap(({ opened, ...of }) => opened.map((stay) => ({ ...of, ...stay })));
  return {
    text: `insert into segmentation.list_members (workspace, list, profile_id, from_ms, to_ms)
      select workspace, list, profile_id, from_ms, to_ms
      from unnest($1::text[], $2::text[], $3::uuid[], $4::bigint[], $5::bigint[], $6::bool[]) n(workspace, list, profile_id, from_ms, to_ms, unless_open)
      where not unless_open or not exists (
        select from segmentation.list_members m where m.workspace = n.workspace and m.list = n.list and m.profile_id = n.profile_id and m.to_ms is null)
      on conflict do nothing`,
    values: [
      rows.map(({ workspace }) => workspace), rows.map(({ list }) => list), rows.map(({ profileId }) => profileId),
      rows.map(({ fromMs }) => fromMs), rows.map(({ toMs }) => toMs), rows.map(({ unlessOpen }) => unlessOpen),
    ],
  };
}

interface Merge {
  readonly workspace: string;
  readonly profileId: string;
  readonly loser: string;
  readonly atMs: number;
}

function mergeValues(merges: readonly Merge[]): unknown[] {
  return [merges.map(({ workspace }) => workspace), merges.map(({ loser }) => loser), merges.map(({ profileId }) => profileId), merges.map(({ atMs }) => atMs)];
}

/** The survivor is on every list that the loser was on, until put off it, which may have happened in this batch. */
function takeOver(merges: readonly Merge[], closed: readonly Stays[]): Write {
  return {
    text: `insert into segmentation.list_members (workspace, list, profile_id, from_ms, to_ms)
      select n.workspace, m.list, n.survivor, n.at_ms, c.at_ms
      from unnest($1::text[], $2::uuid[], $3::uuid[], $4::bigint[]) n(workspace, loser, survivor, at_ms)
      join segmentation.list_members m on m.workspace = n.workspace and m.profile_id = n.loser and m.to_ms is null
      left join unnest($5::text[], $6::text[], $7::uuid[], $8::bigint[]) c(workspace, list, profile_id, at_ms)
        on c.workspace = n.workspace and c.list = m.list and c.profile_id = n.survivor and c.at_ms >= n.at_ms
      where not exists (
        select from segmentation.list_members o where o.workspace = n.workspace and o.list = m.list and o.profile_id = n.survivor and o.to_ms is null)
      on conflict do nothing`,
    values: [...mergeValues(merges), ...closedValues(closed)],
  };
}

function endOfLosers(merges: readonly Merge[]): Write {
  return {
    text: `update segmentation.list_members m set to_ms = n.at_ms from unnest($1::text[], $2::uuid[], $3::uuid[], $4::bigint[]) n(workspace, loser, survivor, at_ms)
      where m.workspace = n.workspace and m.profile_id = n.loser and m.to_ms is null`,
    values: mergeValues(merges),
  };
}
