// Stages that do as little as shows what happened to each entry.
import type { Entry } from '@tributary/contracts/entry';
import { eventsConsented } from '@tributary/contracts/topics/events-consented';
import { eventsReceived } from '@tributary/contracts/topics/events-received';
import { inboundEvents } from '@tributary/contracts/topics/inbound-events';
import { profilesScored } from '@tributary/contracts/topics/profiles-scored';
import { segmentsChanged } from '@tributary/contracts/topics/segments-changed';
import type { Pool } from '@tributary/postgres/pool';
import type { EntryStage, FoldStage, RecordStage } from '@tributary/stream/stage';
import { toEntry } from './stream-stack.js';

/** One entry of each record. */
export function receivingStage(overrides: Partial<RecordStage> = {}): RecordStage {
  return {
    kind: 'records', name: 'ingestion', reads: inboundEvents, writes: eventsReceived,
    decide: async (records) => ({ endings: records.map((record) => ({ ending: 'forward', entries: [toEntry(record)] })) }),
    ...overrides,
  };
}

/** Forwards what comes. */
export function passingStage(overrides: Partial<EntryStage> = {}): EntryStage {
  return {
    kind: 'entries', name: 'consent', reads: eventsReceived, writes: eventsConsented,
    decide: async (entries) => ({ endings: entries.map((entry) => ({ ending: 'forward', entries: [entry] })) }),
    ...overrides,
  };
}

/** What a tallying stage remembers of one profile, in order; stored as JSON. */
export interface Tally {
  /** `e<messageId>` for an entry, `t<instant>` for a timer that fired. */
  readonly steps: string[];
  /** When a timer is due: `holdMs` after the last entry. */
  dueMs: number | null;
}

export interface TallyOptions {
  /** A timer this long after each entry; none: no timers. */
  readonly holdMs?: number;
  /** What it sends of each step to `segments.changed`, for latency. */
  readonly announces?: boolean;
  /** Called before an entry is applied; may throw. */
  readonly before?: (entry: Entry, tally: Tally) => void;
}

/** Writes down what it is given, in order. */
export function tallyingStage(pool: Pool, options: TallyOptions = {}, overrides: Partial<FoldStage<Tally>> = {}): FoldStage<Tally> {
  const name = overrides.name ?? 'scoring';
  const announce = (key: string, step: string) => ({ topic: segmentsChanged.name, key: Buffer.from(key), value: Buffer.from(step) });
  return {
    kind: 'fold', name, reads: eventsConsented, writes: profilesScored,
    load: async (keys) => {
      const { rows } = await pool.query<{ profile_id: string; tally: string }>('select profile_id, tally from tallies where stage = $1 and profile_id = any($2::uuid[])', [name, keys.map(({ profileId }) => profileId)]);
      return new Map(rows.map((row) => [row.profile_id, JSON.parse(row.tally) as Tally]));
    },
    create: () => ({ steps: [], dueMs: null }),
    apply: (tally, entry, emit) => {
      options.before?.(entry, tally);
      tally.steps.push(`e${entry.messageId}`);
      if (options.holdMs !== undefined) tally.dueMs = entry.appendedAtMs + options.holdMs;
      emit.forward(entry);
      if (options.announces) emit.record(announce(entry.profileId, `e${entry.messageId}`));
    },
    advance: (tally, beforeMs, emit) => {
      if (tally.dueMs === null || tally.dueMs >= beforeMs) return;
      tally.steps.push(`t${tally.dueMs}`);
      if (options.announces) emit.record(announce('', `t${tally.dueMs}`));
      tally.dueMs = null;
    },
    dueMs: ({ dueMs }) => dueMs,
    save: (touched) => (touched.length === 0 ? [] : [{
      text: 'insert into tallies (stage, profile_id, tally) select $1, * from unnest($2::uuid[], $3::text[]) on conflict (stage, profile_id) do update set tally = excluded.tally',
      values: [name, touched.map(({ key }) => key.profileId), touched.map(({ state }) => JSON.stringify(state))],
    }]),
    ...overrides,
  };
}

/** The steps stored for profiles, by profile id. */
export async function storedTallies(pool: Pool, stage = 'scoring'): Promise<Map<string, string[]>> {
  const { rows } = await pool.query<{ profile_id: string; tally: string }>('select profile_id, tally from tallies where stage = $1', [stage]);
  return new Map(rows.map((row) => [row.profile_id, (JSON.parse(row.tally) as Tally).steps]));
}
