import { Controller } from '@nestjs/common';
import type { Entry } from '@tributary/contracts/entry';
import { eventsCleansed } from '@tributary/contracts/topics/events-cleansed';
import { profilesScored } from '@tributary/contracts/topics/profiles-scored';
import { addEvent, newProfileState, noteEntry, settle } from '@tributary/domain/scoring/profile-state';
import type { EngagementModel } from '@tributary/domain/scoring/score-model';
import type { Write } from '@tributary/postgres/write';
import { ServicePool } from '@tributary/service/service-pool';
import type { Emitter, FoldStage, ProfileKey, Stage } from '@tributary/stream/stage';
import { HostStage } from '@tributary/stream/stage-transport';
import { type HistoryMove, type HistoryRow, insertEvents, moveEvents } from './history.postgres.js';
import { awaitLoser, handOver, passOn, takeOver } from './merge-profiles.js';
import { type KeptProfile, ProfileStorePostgres, upsertProfiles } from './profile-store.postgres.js';
import { factsOf } from './read-entry.js';
import { ScoreModels } from './score-models.js';

/** Where the stage takes states from. */
export interface ProfileStore {
  load(keys: readonly ProfileKey[]): Promise<Map<string, KeptProfile>>;
}

/** What a batch has gathered for the history. */
export interface Gathered {
  readonly events: HistoryRow[];
  readonly moves: HistoryMove[];
}

/** Hosts the stage in the service. */
@Controller()
export class ScoringStageHost {
  constructor(private readonly pool: ServicePool, private readonly models: ScoreModels) {}

  @HostStage()
  async host(): Promise<Stage> {
    await this.models.load();
    return new ScoringStage(new ProfileStorePostgres(this.pool.pool), (workspace) => this.models.engagementOf(workspace));
  }
}

/**
 * Says how much: folds every event into its profile's traits, counts and engagement score, forwards it with the score
 * after it, and writes the history. The score falls by time alone at the exact instant, as an entry of its own.
 */
export class ScoringStage implements FoldStage<KeptProfile> {
  readonly kind = 'fold';
  readonly name = 'scoring';
  readonly reads = eventsCleansed;
  readonly writes = profilesScored;
  #gathered: Gathered = { events: [], moves: [] };

  constructor(private readonly store: ProfileStore, private readonly modelOf: (workspace: string) => EngagementModel) {}

  load(keys: readonly ProfileKey[]): Promise<Map<string, KeptProfile>> {
    return this.store.load(keys);
  }

  create({ workspace, profileId }: ProfileKey): KeptProfile {
    return { ...newProfileState(), workspace, profileId, sequence: 0, traitsChanged: false };
  }

  apply(state: KeptProfile, entry: Entry, emit: Emitter): void {
    if (state.survivor !== null) return passOn(state, entry, emit);
    switch (entry.kind) {
      case 'event':
        return this.#applyEvent(state, entry, emit);
      case 'merged':
        return handOver(state, entry, emit);
      case 'merging':
        return awaitLoser(state, entry, emit);
      case 'transfer':
        return takeOver({ state, entry, emit, model: this.modelOf(entry.workspace), gathered: this.#gathered, advance: (beforeMs) => this.advance(state, beforeMs, emit) });
      default:
        emit.park(entry, 'unexpected_kind');
    }
  }

  #applyEvent(state: KeptProfile, entry: Entry, emit: Emitter): void {
    const facts = factsOf(entry);
    if (facts === null) return emit.park(entry, 'malformed_body');
    const model = this.modelOf(entry.workspace);
    noteEntry(state, entry.appendedAtMs);
    const effect = addEvent(state, { name: entry.name, stamp: { timeMs: entry.timestampMs, messageId: entry.messageId }, facts }, model);
    if (effect.traitsChanged) state.traitsChanged = true;
    if (effect.scoreTouched) settle(state, entry.appendedAtMs, model);
    state.sequence = emit.forward({ ...entry, scores: state.scores });
    this.#gathered.events.push({ entry, profileId: entry.profileId, sequence: state.sequence });
  }

  advance(state: KeptProfile, beforeMs: number, emit: Emitter): void {
    while (state.dueMs !== null && state.dueMs < beforeMs) {
      const atMs = state.dueMs;
      settle(state, atMs, this.modelOf(state.workspace));
      state.sequence = emit.forward(scoreEntry(state, atMs));
    }
  }

  dueMs(state: KeptProfile): number | null {
    return state.dueMs;
  }

  save(touched: readonly { readonly key: ProfileKey; readonly state: KeptProfile }[]): readonly Write[] {
    const { events, moves } = this.#gathered;
    this.#gathered = { events: [], moves: [] };
    // A profile of which nothing but parked entries is known does not exist.
    const known = touched.filter(({ state }) => state.createdMs !== Infinity);
    return [
      ...(known.length > 0 ? [upsertProfiles(known)] : []),
      ...(events.length > 0 ? [insertEvents(events)] : []),
      ...(moves.length > 0 ? moveEvents(moves) : []),
    ];
  }

  reset(): void {
    this.#gathered = { events: [], moves: [] };
  }
}

const NO_BODY = Buffer.alloc(0);

/** The score changed by time alone. */
function scoreEntry(state: KeptProfile, atMs: number): Entry {
  return {
    kind: 'score', workspace: state.workspace, profileId: state.profileId, type: '', name: '', messageId: '',
    timestampMs: atMs, appendedAtMs: atMs, source: 0, offset: 0, scores: state.scores, body: NO_BODY,
  };
}
