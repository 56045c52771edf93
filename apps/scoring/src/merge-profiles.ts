import type { Entry } from '@tributary/contracts/entry';
import { decodeStraggler, encodeStraggler } from '@tributary/contracts/straggler';
import type { Transfer } from '@tributary/contracts/transfer';
import { decodeState, encodeState } from '@tributary/domain/scoring/encode-state';
import { absorb, addEvent, admitStraggler, awaitState, newProfileState, noteEntry, type ProfileState, retire, settle } from '@tributary/domain/scoring/profile-state';
import type { EngagementModel } from '@tributary/domain/scoring/score-model';
import type { Emitter } from '@tributary/stream/stage';
import { factsOf } from './read-entry.js';
import type { HistoryMove, HistoryRow } from './history.postgres.js';
import { mergeSteps } from './merge-metrics.js';
import type { KeptProfile } from './profile-store.postgres.js';

/**
 * The life of a merge, as scoring sees it. On the loser's partition `merged` empties the state into a `Transfer`, which
 * segmentation completes and sends through the inlet. On the survivor's, `merging` stops time until that transfer has
 * arrived. What still reaches the loser is passed on the same way.
 */

/** `merged`, on the loser: hands the whole state over and keeps only where it went. */
export function handOver(state: KeptProfile, entry: Entry, emit: Emitter): void {
  if (entry.other === undefined) return emit.park(entry, 'merge_without_survivor');
  noteEntry(state, entry.appendedAtMs);
  const body = transferBody({
    workspace: entry.workspace, survivor: entry.other, loser: entry.profileId, states: { scoring: base64(encodeState(state, true)) }, stragglers: [],
  });
  const scores = state.scores;
  retire(state, entry.other);
  state.traitsChanged = true;
  state.sequence = emit.forward({ ...entry, body, scores });
  mergeSteps.inc({ step: 'handed_over' });
}

/** `merging`, on the survivor: nothing runs out until the loser's state is here, so a merge can put nobody out. */
export function awaitLoser(state: KeptProfile, entry: Entry, emit: Emitter): void {
  if (entry.other === undefined) return emit.park(entry, 'merge_without_loser');
  noteEntry(state, entry.appendedAtMs);
  const { other, ...arrived } = entry;
  const isAwaited = awaitState(state, other as string, entry.appendedAtMs);
  if (isAwaited) mergeSteps.inc({ step: 'awaited' });
  // Whoever's state has overtaken this is nobody to wait for.
  state.sequence = emit.forward({ ...(isAwaited ? entry : arrived), scores: state.scores });
}

export interface Arrived {
  readonly state: KeptProfile;
  readonly entry: Entry;
  readonly emit: Emitter;
  readonly model: EngagementModel;
  readonly gathered: { readonly events: HistoryRow[]; readonly moves: HistoryMove[] };
  /** Fires what runs out before the instant. */
  readonly advance: (beforeMs: number) => void;
}

/**
 * `transfer`, on the survivor: unites the state and the stragglers, lets the held time pass at its own instants over
 * the united state, and forwards the transfer with the score after it. The history moves with it.
 */
export function takeOver({ state, entry, emit, model, gathered, advance }: Arrived): void {
  const arrival = readTransfer(entry);
  if (arrival === null) return emit.park(entry, 'malformed_transfer');
  const { transfer, loserState, stragglers } = arrival;
  const wasHeld = state.awaiting.size > 0;
  noteEntry(state, entry.appendedAtMs);
  if (loserState !== null && absorb(state, { loser: transfer.loser, state: loserState, atMs: entry.appendedAtMs }, model)) state.traitsChanged = true;
  const admitted = stragglers.filter(({ messageId }) => admitStraggler(state, messageId));
  for (const straggler of admitted) addStraggler(state, straggler, model);
  if (wasHeld && state.awaiting.size === 0) {
    settle(state, state.heldMs, model);
    advance(entry.appendedAtMs);
  }
  settle(state, entry.appendedAtMs, model);
  // A state that is itself still waited for may have come with this one; segmentation sees states of its own only.
  const body = state.awaiting.size === 0 ? entry.body : transferBody({ ...transfer, awaiting: [...state.awaiting] });
  state.sequence = emit.forward({ ...entry, body, scores: state.scores });
  for (const straggler of admitted) gathered.events.push({ entry: straggler, profileId: entry.profileId, sequence: state.sequence });
  if (loserState === null || loserState.createdMs === Infinity) return;
  mergeSteps.inc({ step: 'arrived' });
  gathered.moves.push({ loser: transfer.loser, survivor: entry.profileId, sequence: state.sequence });
}

/** Whatever reaches a profile after it was merged goes on to the survivor, by way of segmentation and the inlet. */
export function passOn(state: KeptProfile, entry: Entry, emit: Emitter): void {
  const survivor = state.survivor as string;
  const send = ({ loser, states, stragglers }: Pick<Transfer, 'loser' | 'states' | 'stragglers'>): void => {
    const body = transferBody({ workspace: entry.workspace, survivor, loser, states, stragglers });
    mergeSteps.inc({ step: 'passed_on' });
    state.sequence = emit.forward({ ...entry, kind: 'merged', type: '', name: '', other: survivor, body, scores: state.scores });
  };
  switch (entry.kind) {
    case 'event':
      return send({ loser: entry.profileId, states: {}, stragglers: [encodeStraggler(entry)] });
    case 'transfer': {
      const arrival = readTransfer(entry);
      return arrival === null ? emit.park(entry, 'malformed_transfer') : send(arrival.transfer);
    }
    case 'merging': {
      if (entry.other === undefined) return emit.park(entry, 'merge_without_loser');
      const awaiting = newProfileState();
      awaitState(awaiting, entry.other, entry.appendedAtMs);
      return send({ loser: entry.profileId, states: { scoring: base64(encodeState(awaiting)) }, stragglers: [] });
    }
    default:
      emit.drop('already_merged');
  }
}

function addStraggler(state: ProfileState & { traitsChanged: boolean }, straggler: Entry, model: EngagementModel): void {
  const facts = factsOf(straggler) ?? { kind: 'nothing' };
  noteEntry(state, straggler.appendedAtMs);
  const stamp = { timeMs: straggler.timestampMs, messageId: straggler.messageId };
  if (addEvent(state, { name: straggler.name, stamp, facts }, model).traitsChanged) state.traitsChanged = true;
}

interface Arrival {
  readonly transfer: Transfer;
  /** Null where only stragglers come. */
  readonly loserState: ProfileState | null;
  readonly stragglers: readonly Entry[];
}

/** @returns null for what no release has written */
function readTransfer(entry: Entry): Arrival | null {
  try {
    const transfer = JSON.parse(entry.body.toString()) as Transfer;
    const encoded = transfer.states['scoring'];
    return {
      transfer,
      loserState: encoded === undefined ? null : decodeState(Buffer.from(encoded, 'base64').toString()),
      stragglers: transfer.stragglers.map(decodeStraggler),
    };
  } catch {
    return null;
  }
}

function transferBody(transfer: Transfer): Buffer {
  return Buffer.from(JSON.stringify(transfer));
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
