import type { Entry } from '@tributary/contracts/entry';
import { parkedTopic, type StageName } from '@tributary/contracts/topics/flow';
import type { OutRecord, ProfileKey } from './stage.js';

/** The reason of what cannot be decided or stored: the stage throws for it, or PostgreSQL does. */
export const POISON = 'poison';

export interface Origin {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** When the broker appended it, epoch ms; where it is a record of its own. */
  readonly timestampMs?: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: { readonly [name: string]: string };
}

/** Sets a record aside with its bytes, where it came from and why. */
export function parkRecord(stage: StageName, reason: string, origin: Origin): OutRecord {
  return {
    topic: parkedTopic(stage).name,
    partition: 0,
    key: origin.key,
    value: origin.value,
    headers: {
      ...origin.headers,
      stage,
      reason,
      'origin-topic': origin.topic,
      'origin-partition': String(origin.partition),
      'origin-offset': String(origin.offset),
      ...(origin.timestampMs === undefined ? {} : { 'origin-appended-at': String(origin.timestampMs) }),
    },
  };
}

/** Sets an entry aside; its header travels along, so that a repaired one can be sent through again. */
export function parkEntry(stage: StageName, reason: string, from: { readonly topic: string; readonly partition: number }, entry: Entry): OutRecord {
  const { body, ...header } = entry;
  return parkRecord(stage, reason, { ...from, offset: entry.offset, key: Buffer.from(entry.profileId), value: body, headers: { entry: JSON.stringify(header) } });
}

/** Says that time cannot go on for a profile: its timer is given up, its entries are set aside as they come. */
export function parkTimer(stage: StageName, from: { readonly topic: string; readonly partition: number }, key: ProfileKey, dueMs: number): OutRecord {
  return parkRecord(stage, POISON, { ...from, offset: -1, key: Buffer.from(key.profileId), value: null, headers: { workspace: key.workspace, timer: String(dueMs) } });
}
