import type { OracleCase } from './oracle-case.ts';

/** A case as one reads it: rules, then each profile's log with instants written out. */
export function describeCase({ scene, segments, profiles, samplesMs }: OracleCase): string {
  const iso = (ms: number) => new Date(ms).toISOString();
  const lines = [
    `workspace zone ${scene.timezone}; sampled at ${samplesMs.map(iso).join(', ')}`,
    ...segments.map((segment) => JSON.stringify(segment)),
    ...profiles.filter((profile) => profile.events.length + profile.switches.length > 0).flatMap((profile) => [
      `profile ${profile.profileId}, known from ${iso(profile.knownFromMs)}`,
      ...profile.events.map((event) => `  appended ${iso(event.appendedAtMs)} time ${iso(event.timestampMs)} ${event.type} ${event.name} ${event.messageId} ${JSON.stringify(event.body)}`),
      ...profile.switches.map((one) => `  from ${iso(one.atMs)} ${one.kind} ${one.key} ${JSON.stringify(one.value)}`),
    ]),
  ];
  return lines.join('\n');
}
