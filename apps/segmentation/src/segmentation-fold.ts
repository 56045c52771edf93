import type { ChangeCause } from '@tributary/contracts/change';
import type { Entry } from '@tributary/contracts/entry';
import { partitionOf } from '@tributary/contracts/shard';
import { profilesScored } from '@tributary/contracts/topics/profiles-scored';
import { segmentsChanged } from '@tributary/contracts/topics/segments-changed';
import { decodeStraggler } from '@tributary/contracts/straggler';
import type { Transfer } from '@tributary/contracts/transfer';
import type { Write } from '@tributary/postgres/write';
import type { Emitter, FoldStage, OutRecord, PrepareContext, ProfileKey } from '@tributary/stream/stage';
import type { ChangeLog } from './change-log.js';
import { addChanges } from './collect-changes.js';
import type { DefinitionSwitch } from './definition-switch.js';
import type { EngineDirectory } from './engine-directory.js';
import { HELD_MAX, type HeldEntry } from './held-entries.js';
import { type HeldEntries, writeHeld } from './held-entries.postgres.js';
import type { ProfileRecord } from './profile-record.js';
import { appendJournals, type ProfileRecords, upsertProfiles } from './profile-records.postgres.js';
import { restoreState, StateJournal } from './state-journal.js';
import type { ListChanges } from './list-change.js';
import { writeLists } from './write-lists.js';
import { toListEntry, toRuleEntry } from './to-rule-entry.js';

export interface SegmentationFoldOptions {
  readonly partitions: number;
  readonly engines: EngineDirectory;
  readonly records: ProfileRecords;
  readonly held: HeldEntries;
  readonly changes: ChangeLog;
  readonly definitionSwitch: DefinitionSwitch;
  readonly lists: ListChanges;
  /** The record by which a merged profile's state travels to its survivor. */
  readonly transferRecord: (transfer: Transfer, messageId: string) => OutRecord;
}

/** Says who is in which segment, from each entry and from time alone. */
export class SegmentationFold implements FoldStage<ProfileRecord> {
  readonly kind = 'fold';
  readonly name = 'segmentation';
  readonly reads = profilesScored;
  readonly writes = segmentsChanged;
  #assigned: readonly number[] | null = null;

  constructor(private readonly options: SegmentationFoldOptions) {}

  async load(keys: readonly ProfileKey[]): Promise<Map<string, ProfileRecord>> {
    const stored = await this.options.records.load(keys);
    const held = await this.options.held.load(stored.filter(({ awaiting }) => awaiting.length > 0));
    return new Map(stored.map((profile) => {
      const { workspace, profileId, sequence, appliedMs, awaiting, mergedInto, state } = profile;
      const engine = this.#engineOf({ workspace, profileId });
      const rules = restoreState(engine, profile);
      const journal = new StateJournal(profile.journal);
      return [profileId, { workspace, profileId, engine, rules, sequence, appliedMs, awaiting: new Set(awaiting), held: held.get(profileId) ?? [], heldChanged: false, mergedInto, changes: [], listChanges: [], stored: state, journal, moved: false, dirty: false }];
    }));
  }

  create({ workspace, profileId }: ProfileKey): ProfileRecord {
    const engine = this.#engineOf({ workspace, profileId });
    return { workspace, profileId, engine, rules: engine.newState(profileId), sequence: 0, appliedMs: 0, awaiting: new Set(), held: [], heldChanged: false, mergedInto: null, changes: [], listChanges: [], stored: null, journal: new StateJournal(), moved: false, dirty: true };
  }

  apply(record: ProfileRecord, entry: Entry, emit: Emitter): void {
    record.appliedMs = Math.max(record.appliedMs, entry.appendedAtMs);
    this.options.definitionSwitch.note(record.profileId);
    if (entry.kind === 'merged') this.#handOver(record, entry, emit);
    else if (record.mergedInto !== null) emit.drop('merged_profile');
    else if (entry.kind === 'merging') {
      if (entry.other !== undefined) this.#await(record, entry.other, entry.appendedAtMs);
    } else if (entry.kind === 'transfer') this.#takeOver(record, entry);
    else if (record.awaiting.size === 0) this.#applyToRules(record, entry, causeOf(entry));
    else if (entry.kind === 'event') this.#hold(record, { is: 'event', entry, isStraggler: false });
    // What time did to the score while the other's state was on its way is in the score that comes with it.
    else emit.drop('awaiting_transfer');
  }

  advance(record: ProfileRecord, beforeMs: number): void {
    // Who waits for the state of a merged profile may be kept in by it: until it has come, time puts nobody out.
    if (record.mergedInto !== null || record.awaiting.size > 0) return;
    const flips = record.engine.advance(record.rules, beforeMs);
    record.journal.advanced(beforeMs);
    if (flips.length > 0) addChanges(record, flips, 'time');
  }

  dueMs(record: ProfileRecord): number | null {
    if (record.mergedInto !== null || record.awaiting.size > 0) return null;
    const dueMs = record.engine.dueMs(record.rules);
    return dueMs === Infinity ? null : dueMs;
  }

  async save(touched: readonly { readonly state: ProfileRecord }[], record: (record: OutRecord) => void): Promise<readonly Write[]> {
    const profiles = touched.map(({ state }) => state).filter(({ dirty, moved, changes }) => dirty || moved || changes.length > 0);
    if (profiles.length === 0) return [];
    const changes = await this.options.changes.publish(profiles.filter(({ changes }) => changes.length > 0), record);
    const others = [...writeLists(profiles), ...writeHeld(profiles.filter(({ heldChanged }) => heldChanged))];
    return [...changes, ...others, ...saveStates(profiles)];
  }

  async prepare(context: PrepareContext<ProfileRecord>): Promise<void> {
    if (this.#assigned !== null) {
      await this.options.engines.assign(this.#assigned);
      this.#assigned = null;
    }
    await this.options.definitionSwitch.proceed(context);
  }

  hasWork(): boolean {
    return this.options.definitionSwitch.hasWork();
  }

  reset(partitions: readonly number[]): void {
    this.#assigned = partitions;
    this.options.definitionSwitch.reset();
  }

  #engineOf({ workspace, profileId }: ProfileKey): ProfileRecord['engine'] {
    return this.options.engines.engineFor(workspace, partitionOf(profileId, this.options.partitions), profileId);
  }

  #applyToRules(record: ProfileRecord, entry: Entry, cause: ChangeCause): void {
    const ruleEntry = toRuleEntry(entry);
    if (ruleEntry === null) return;
    const score = entry.scores?.['engagement'];
    // Every entry brings the scores; most of the time they are what they were.
    const isSeen = record.stored === null || record.engine.interest(entry.type, entry.name) !== 'none' || score !== record.engagement;
    record.engagement = score;
    const flips = record.engine.apply(record.rules, ruleEntry);
    if (isSeen) {
      record.moved = true;
      record.journal.applied(entry);
    }
    if (flips.length > 0) addChanges(record, flips, cause, entry.traceparent);
    this.#applyToLists(record, entry, cause);
  }

  /** After the event itself, which may be counted like any other. */
  #applyToLists(record: ProfileRecord, entry: Entry, cause: ChangeCause): void {
    const change = toListEntry(entry, this.options.lists);
    if (change === null) return;
    record.dirty = true;
    record.listChanges.push({ is: 'change', list: change.list, member: change.member, atMs: change.appendedAtMs });
    addChanges(record, record.engine.apply(record.rules, change), cause, entry.traceparent);
  }

  /** From `merging` on everything waits, and is applied in its order once the loser's state has arrived. */
  #await(record: ProfileRecord, loser: string, atMs: number, behind?: HeldEntry): void {
    if (record.awaiting.has(loser)) return;
    record.awaiting.add(loser);
    this.#hold(record, { is: 'merging', loser, atMs, state: null }, behind);
  }

  /** In the order in which it became known: at the end, or right behind another one. */
  #hold(record: ProfileRecord, held: HeldEntry, behind?: HeldEntry): void {
    record.held.splice(behind === undefined ? record.held.length : record.held.indexOf(behind) + 1, 0, held);
    record.heldChanged = true;
    record.dirty = true;
    if (record.held.length >= HELD_MAX) this.#release(record);
  }

  /** Applies what was held: each entry and each state at its own instant, with what time does in between. */
  #release(record: ProfileRecord): void {
    const { held } = record;
    record.held = [];
    record.heldChanged = true;
    record.dirty = true;
    record.awaiting.clear();
    for (const one of held) {
      this.advance(record, one.is === 'merging' ? one.atMs : one.entry.appendedAtMs);
      if (one.is === 'event') this.#applyToRules(record, one.entry, one.isStraggler ? 'merge' : causeOf(one.entry));
      else if (one.state !== null) this.#unite(record, one.loser, { state: one.state, atMs: one.atMs });
    }
  }

  /** The loser leaves everything; what its rules remember goes to the survivor, through the front door. */
  #handOver(record: ProfileRecord, entry: Entry, emit: Emitter): void {
    const transfer = JSON.parse(entry.body.toString()) as Transfer;
    const messageId = `transfer:${transfer.loser}:${entry.appendedAtMs}:${entry.messageId}`;
    if (record.mergedInto !== null) {
      emit.record(this.options.transferRecord(transfer, messageId));
      return;
    }
    // Whom this one waits for, the survivor will: scoring's state says so.
    if (record.held.length > 0) this.#release(record);
    const state = record.engine.encode(record.rules).toString('base64');
    const flips = [...record.engine.members(record.rules).keys()].map((segment) => ({
      segment, version: this.options.engines.versionOf(record.engine, segment), change: 'left' as const, atMs: entry.appendedAtMs, by: 'merge' as const, nodes: [],
    }));
    addChanges(record, flips, 'merge');
    record.mergedInto = transfer.survivor;
    record.rules = record.engine.newState(record.profileId);
    record.dirty = true;
    emit.record(this.options.transferRecord({ ...transfer, states: { ...transfer.states, segmentation: state } }, messageId));
  }

  #takeOver(record: ProfileRecord, entry: Entry): void {
    const transfer = JSON.parse(entry.body.toString()) as Transfer;
    const { loser, states: { segmentation: state }, awaiting = [], stragglers } = transfer;
    const own = record.held.find((one) => one.is === 'merging' && one.loser === loser) as Extract<HeldEntry, { is: 'merging' }> | undefined;
    // Who was merged into the loser has been the survivor's for as long.
    for (const other of awaiting) this.#await(record, other, own?.atMs ?? entry.appendedAtMs, own);
    if (state !== undefined) {
      if (own === undefined) this.#hold(record, { is: 'merging', loser, atMs: entry.appendedAtMs, state });
      else own.state ??= state;
      record.awaiting.delete(loser);
      record.heldChanged = true;
      record.dirty = true;
    }
    for (const straggler of stragglers) this.#hold(record, { is: 'event', entry: becameKnown(decodeStraggler(straggler), entry), isStraggler: true });
    if (record.awaiting.size > 0) return;
    this.#release(record);
    this.advance(record, entry.appendedAtMs);
    const now = toRuleEntry({ ...entry, kind: 'score' });
    if (now !== null) addChanges(record, record.engine.apply(record.rules, now), 'merge');
  }

  #unite(record: ProfileRecord, loser: string, { state, atMs }: { readonly state: string; readonly atMs: number }): void {
    record.listChanges.push({ is: 'merge', loser, atMs });
    addChanges(record, record.engine.merge(record.rules, record.engine.decode(Buffer.from(state, 'base64'), loser), atMs), 'merge');
  }
}

/** Large states by what was applied in this batch, all others whole. */
function saveStates(profiles: readonly ProfileRecord[]): Write[] {
  const whole = [];
  const journaled = [];
  for (const profile of profiles) {
    const chunk = profile.dirty ? null : profile.journal.nextChunk(profile.stored);
    if (chunk === null) {
      profile.stored = profile.engine.encode(profile.rules);
      whole.push({ ...profile, awaiting: [...profile.awaiting], state: profile.stored, chunks: profile.journal.chunks });
      profile.journal.clear();
    } else journaled.push({ ...profile, number: profile.journal.chunks, chunk });
    profile.moved = false;
    profile.dirty = false;
    profile.changes = [];
    profile.listChanges = [];
    profile.heldChanged = false;
  }
  return [...(whole.length === 0 ? [] : upsertProfiles(whole)), ...(journaled.length === 0 ? [] : appendJournals(journaled))];
}

/** A late event is one whose time is more than a minute before it became known (RULES 30). */
const LATE_MS = 60_000;

function causeOf(entry: Entry): 'event' | 'late' | 'time' {
  if (entry.kind === 'score') return 'time';
  return entry.appendedAtMs - entry.timestampMs > LATE_MS ? 'late' : 'event';
}

/** An event that reached the loser's partition too late becomes known with the transfer that brings it on. */
function becameKnown(straggler: Entry, transfer: Entry): Entry {
  return { ...straggler, profileId: transfer.profileId, appendedAtMs: transfer.appendedAtMs };
}
