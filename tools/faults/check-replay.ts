// A part of every log again: nothing may change but what time changes. Then an edit in the quiet: exactly the difference.
import { setTimeout as sleep } from 'node:timers/promises';
import { openLog } from '@tributary/stream/log';
import { readTopic } from '@tributary/stream/read-topic';
import type { LogRecord, OutRecord } from '@tributary/stream/stage';
import { waitForQuiet } from '../bench/check-result.ts';
import type { Admin } from './admin.ts';
import { type Evidence, gatherEvidence } from './evidence.ts';
import { doubled, type Finding, type Verdict, wrong } from './finding.ts';
import { editedSegment } from './scene.ts';

export interface ReplayScene {
  readonly place: { readonly databaseUrl: string; readonly brokers: string; readonly workspace: string };
  readonly admin: Admin;
  readonly random: () => number;
}

/** Everything that a stage reads. */
const TOPICS = ['inbound.events', 'events.received', 'events.consented', 'events.cleansed', 'profiles.scored', 'segments.changed'];
const SHARE = 0.3;
const RECORDS_MAX = 3_000;
const SEND_RECORDS = 200;

export async function checkReplay(scene: ReplayScene): Promise<Verdict> {
  const before = await gatherEvidence(scene.place);
  const count = await replay(scene);
  await waitForQuiet(scene.place.databaseUrl);
  await sleep(2_000);
  const after = await gatherEvidence(scene.place);
  const findings: Finding[] = [];
  if (after.history.length !== before.history.length) findings.push(doubled(`${after.history.length - before.history.length} events more in the history`));
  for (const { profileId, sequence, segment, cause } of changesSince(before, after)) if (cause !== 'time') findings.push(wrong(`${profileId}/${sequence} changed ${segment} by ${cause}`));
  const claims = new Set(before.sends.map(({ id }) => id));
  const changed = new Set(before.changes.map(({ profileId, sequence }) => `${profileId}/${sequence}`));
  for (const { id, profileId, sequence } of after.sends) if (!claims.has(id) && changed.has(`${profileId}/${sequence}`)) findings.push(doubled(`send ${id} was claimed for an occasion of before`));
  return { invariants: '2', title: 'a replayed part of every log changes nothing', checked: count, findings };
}

/** Windows of the segment are of hours: within seconds time moves nobody in it. */
export async function checkEdit({ place, admin }: ReplayScene): Promise<Verdict> {
  const findings: Finding[] = [];
  let checked = 0;
  for (const threshold of [2, 40]) {
    const before = await gatherEvidence(place);
    await admin.edit(editedSegment(threshold));
    await admin.whenLive('edited');
    await waitForQuiet(place.databaseUrl);
    const after = await gatherEvidence(place);
    const was = membersOf(before);
    const is = membersOf(after);
    const expected = new Map([...[...is].filter((id) => !was.has(id)).map((id) => [id, 'entered'] as const), ...[...was].filter((id) => !is.has(id)).map((id) => [id, 'left'] as const)]);
    const told = changesSince(before, after).filter(({ segment }) => segment === 'edited');
    checked += told.length;
    for (const { profileId, change, cause } of told) {
      if (expected.get(profileId) !== change || cause !== 'definition') findings.push(wrong(`the edit let ${profileId} ${change === 'entered' ? 'enter' : 'leave'} by ${cause}, and was not to`));
      expected.delete(profileId);
    }
    for (const [profileId, change] of expected) findings.push(wrong(`the edit was to say that ${profileId} ${change}`));
  }
  return { invariants: '12', title: 'an edit tells exactly the difference', checked, findings };
}

async function replay({ place, random }: ReplayScene): Promise<number> {
  const log = await openLog({ brokers: place.brokers.split(','), clientId: 'faults-replay', client: 'kafkajs' });
  try {
    const producer = await log.producer();
    let count = 0;
    for (const topic of TOPICS) {
      const records: LogRecord[] = [];
      await readTopic(log, topic, (record) => void (random() < SHARE && isReplayable(record) && records.push(record)));
      const chosen = records.slice(-RECORDS_MAX).sort(() => random() - 0.5).map(({ partition, key, value, headers }): OutRecord => ({ topic, partition, key, value, headers }));
      for (let from = 0; from < chosen.length; from += SEND_RECORDS) await producer.send(chosen.slice(from, from + SEND_RECORDS));
      count += chosen.length;
    }
    return count;
  } finally {
    await log.close();
  }
}

/** Ticks are time itself, and poison would be set aside a second time, rightly. */
function isReplayable({ value, key }: LogRecord): boolean {
  return value !== null && !(key?.toString().startsWith('poison-') ?? false);
}

function changesSince(before: Evidence, after: Evidence): Evidence['changes'] {
  const known = new Set(before.changes.map(({ profileId, sequence }) => `${profileId}/${sequence}`));
  return after.changes.filter(({ profileId, sequence }) => !known.has(`${profileId}/${sequence}`));
}

function membersOf({ changes }: Evidence): Set<string> {
  const members = new Set<string>();
  for (const { profileId, segment, change } of changes) {
    if (segment !== 'edited') continue;
    if (change === 'entered') members.add(profileId);
    else members.delete(profileId);
  }
  return members;
}
