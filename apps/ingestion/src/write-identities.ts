import type { IdentityChanges } from '@tributary/domain/ingestion/identity-graph';
import type { Write } from '@tributary/postgres/write';
import { plainArray } from './identity-store.postgres.js';

/**
 * What a batch has seen. A hash that another instance wrote meanwhile fails the batch: both would have forwarded the event.
 * @param hashes 32 hex digits each, each once
 */
export function writeSeen(hashes: readonly string[]): Write[] {
  if (hashes.length === 0) return [];
  return [{ text: SEEN, values: [plainArray(hashes)] }];
}

/**
 * What a batch has learnt about identities. Whatever another instance changed meanwhile fails the batch with a
 * serialization failure (40001), after which it is read and decided anew.
 */
export function writeIdentities({ profiles, identifiers, merges, conflicts }: IdentityChanges): Write[] {
  const writes: Write[] = [];
  const made = profiles.filter(({ isNew }) => isNew);
  const changed = profiles.filter(({ isNew }) => !isNew);
  // Redirects to a loser move along, so that a survivor is never a loser itself.
  const losers = changed.filter(({ profileId, survivorId }) => profileId !== survivorId);
  if (made.length > 0) {
    writes.push({ text: PROFILES, values: [
      plainArray(made.map(({ profileId }) => profileId)), made.map(({ workspace }) => workspace),
      plainArray(made.map(({ survivorId }) => survivorId)), plainArray(made.map(({ known }) => known)), plainArray(made.map(({ createdMs }) => createdMs)),
    ] });
  }
  if (changed.length > 0) {
    writes.push({ text: CHANGES, values: [
      plainArray(changed.map(({ profileId }) => profileId)), plainArray(changed.map(({ survivorId }) => survivorId)),
      plainArray(changed.map(({ known }) => known)), plainArray(changed.map(({ version }) => version)),
    ] });
  }
  if (losers.length > 0) {
    writes.push({ text: REDIRECTS, values: [plainArray(losers.map(({ profileId }) => profileId)), plainArray(losers.map(({ survivorId }) => survivorId))] });
  }
  if (identifiers.length > 0) {
    writes.push({ text: IDENTIFIERS, values: [
      identifiers.map(({ workspace }) => workspace), identifiers.map(({ type }) => type), identifiers.map(({ value }) => value),
      plainArray(identifiers.map(({ profileId }) => profileId)),
    ] });
  }
  if (merges.length > 0) {
    writes.push({ text: MERGES, values: [
      plainArray(merges.map(({ loser }) => loser)), plainArray(merges.map(({ survivor }) => survivor)),
      merges.map(({ workspace }) => workspace), plainArray(merges.map(({ appendedMs }) => appendedMs)),
    ] });
  }
  if (conflicts.length > 0) {
    writes.push({ text: CONFLICTS, values: [
      conflicts.map(({ workspace }) => workspace), conflicts.map(({ type }) => type), conflicts.map(({ value }) => value),
      plainArray(conflicts.map(({ claimant }) => claimant)), plainArray(conflicts.map(({ owner }) => owner)), plainArray(conflicts.map(({ appendedMs }) => appendedMs)),
    ] });
  }
  return writes;
}

const SEEN = `
  insert into ingestion.seen (hash, period)
  select hash, period from unnest($1::uuid[]) as u (hash), ingestion.seen_now() as n (period)
  on conflict (hash, period) do update set period = ingestion.raced('an event')::int`;

const PROFILES = `
  insert into ingestion.profiles (profile_id, workspace, survivor_id, known, created_ms)
  select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::boolean[], $5::bigint[])
  on conflict (profile_id) do update set workspace = ingestion.raced('a profile')`;

const CHANGES = `
  update ingestion.profiles p
  set survivor_id = u.survivor_id, known = u.known, version = ingestion.next_version(p.version, u.version)
  from unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::int[]) as u (profile_id, survivor_id, known, version)
  where p.profile_id = u.profile_id`;

const REDIRECTS = `
  update ingestion.profiles p set survivor_id = u.survivor_id
  from unnest($1::uuid[], $2::uuid[]) as u (loser, survivor_id)
  where p.survivor_id = u.loser and p.profile_id <> u.loser`;

const IDENTIFIERS = `
  insert into ingestion.identifiers (workspace, type, value, profile_id)
  select * from unnest($1::text[], $2::text[], $3::text[], $4::uuid[])
  on conflict (workspace, type, value) do update set value = ingestion.raced('an identifier')`;

const MERGES = `
  insert into ingestion.merges (loser, survivor, workspace, appended_ms)
  select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[])
  on conflict (loser) do update set workspace = ingestion.raced('a merge')`;

const CONFLICTS = `
  insert into ingestion.identity_conflicts (workspace, type, value, claimant, owner, appended_ms)
  select * from unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::uuid[], $6::bigint[])
  on conflict do nothing`;
