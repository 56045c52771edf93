// Guards that a mutation run leaves out, one at a time, to see that the checks catch it. The built code is changed while it
// is loaded; a text that is not there exactly once stops the process: the guard has moved, and this list must follow it.

/** @type {Record<string, { file: string, replace: [RegExp, string][], also?: { file: string, replace: [RegExp, string][] }[] }>} */
export const MUTATIONS = {
  // A former owner's batch is refused no more: neither by its epoch nor by where it stands.
  fence: {
    file: '/libs/stream/dist/progress.js',
    replace: [
      [/ and p\.epoch = n\.epoch and p\.next_offset is not distinct from n\.expected/, ''],
    ],
  },
  // Time is taken from the source that is furthest ahead, not from the one that is behind.
  watermark: {
    file: '/libs/stream/dist/reorder.js',
    replace: [[/watermarkMs\(\) \{\s*let watermarkMs = Infinity;[\s\S]*?return watermarkMs;\s*\}/, 'watermarkMs() { return Date.now() - 20; }']],
  },
  // What a source dates in the future happens in the future.
  clamp: {
    file: '/libs/domain/dist/ingestion/derive-event-time.js',
    replace: [[/return Math\.min\(timestampMs \+ skewMs, appendedMs\);/, 'return timestampMs + skewMs;']],
  },
  // A message that was seen is taken for a new one.
  ids: {
    file: '/apps/ingestion/dist/batch-decision.js',
    replace: [[/if \(this\.#isSeen\(subject\.messageHash\)\) return drop\('duplicate_message'\);/, '']],
    also: [{ file: '/apps/ingestion/dist/write-identities.js', replace: [[/on conflict \(hash, period\) do update set period = ingestion\.raced\('an event'\)::int/, 'on conflict do nothing']] }],
  },
  // An occasion to send that comes a second time is a second occasion.
  claim: {
    file: '/apps/delivery/dist/sends/claim.js',
    replace: [[/on conflict \(automation_id, profile_id, change_sequence\) do nothing/, '']],
    also: [{ file: '/apps/delivery/dist/migrations/1-create-delivery.js', replace: [[/,\s*unique \(automation_id, profile_id, change_sequence\)/, '']] }],
  },
};

/** @returns what was loaded, with the guard left out where the file is the one that holds it */
export function applyMutation(name, url, loaded) {
  const mutation = MUTATIONS[name];
  if (mutation === undefined) throw new Error(`There is no mutation ${name}.`);
  const parts = [mutation, ...(mutation.also ?? [])].filter(({ file }) => url.endsWith(file));
  if (parts.length === 0) return loaded;
  let source = String(loaded.source);
  for (const [pattern, text] of parts.flatMap(({ replace }) => replace)) {
    if ([...source.matchAll(new RegExp(pattern, 'g'))].length !== 1) throw new Error(`Mutation ${name} does not find its guard in ${url}.`);
    source = source.replace(pattern, () => text);
  }
  return { ...loaded, source };
}
