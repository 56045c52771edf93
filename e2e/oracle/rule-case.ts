// One row of a table of rule cases (`*.cases.json`): the history of a person, a rule, and whether it holds.
import type { Json, RuleNode } from '@tributary/contracts/rule';
import type { SegmentDefinition, SqlContext } from '@tributary/domain/segmentation/sql/context';
import { relations, type History, type HistoryEvent } from './sql-history.ts';

type Instant = string | number;

interface CasePiece {
  readonly from: Instant;
  readonly to?: Instant;
}

export interface RuleCase {
  /** The sentence of the rule language that the case is about, where it is about one. */
  readonly sentence?: number;
  readonly name: string;
  readonly rule: RuleNode;
  readonly stay?: RuleNode;
  readonly now: Instant;
  readonly timezone?: string;
  readonly events?: readonly CaseEvent[];
  readonly member: boolean;
  /** The next flip by time alone after `now`; null: none. */
  readonly flipsAt?: Instant | null;
  /** Every change up to `now`, oldest first, beginning with an entry. */
  readonly changes?: readonly Instant[];
  readonly profileId?: string;
  /** Where the profile was known before its first event. */
  readonly knownFrom?: Instant;
  readonly segments?: readonly SegmentDefinition[];
  readonly purposes?: SqlContext['purposes'];
  readonly lists?: readonly (CasePiece & { readonly list: string })[];
  readonly clusters?: readonly (CasePiece & { readonly model: string; readonly label: string })[];
  readonly computed?: readonly (CasePiece & { readonly key: string; readonly value: Json })[];
  readonly mergedWithdrawals?: readonly { readonly purpose: string; readonly at: Instant }[];
}

export interface CaseEvent {
  readonly type?: string;
  /** Of a track event `event` or `name`; of a view its name, at the top level. */
  readonly event?: string;
  readonly name?: Json;
  readonly messageId?: string;
  readonly timestamp?: Instant;
  readonly appendedAt?: Instant;
  readonly properties?: Json;
  readonly traits?: Json;
}

export const SEGMENT_KEY = 'the-segment';
const PROFILE_ID = '6f2a1d7e-0b7c-4c55-9a3f-2d1c8b7a6e50';

export function instantMs(instant: Instant): number {
  const ms = typeof instant === 'number' ? instant : Date.parse(instant);
  if (Number.isNaN(ms)) throw new Error(`"${instant}" is no instant.`);
  return ms;
}

export function segmentOf({ rule, stay }: RuleCase): SegmentDefinition {
  return { key: SEGMENT_KEY, rule, ...(stay ? { stay } : {}) };
}

export function contextOf(ruleCase: RuleCase, workspace: string): SqlContext {
  return { workspace, relations, timezone: ruleCase.timezone, purposes: ruleCase.purposes, segments: ruleCase.segments };
}

export function historyOf(ruleCase: RuleCase): History & { readonly profileId: string } {
  const profileId = ruleCase.profileId ?? PROFILE_ID;
  const events = (ruleCase.events ?? []).map((event, i) => readEvent(event, i, profileId));
  // The log's order is that of the append; a stable sort keeps ties as they were written.
  events.sort((a, b) => a.appendedAtMs - b.appendedAtMs);
  const piece = ({ from, to }: CasePiece) => ({ profileId, fromMs: instantMs(from), toMs: to === undefined ? null : instantMs(to) });
  const lists = (ruleCase.lists ?? []).map((one) => ({ ...piece(one), list: one.list }));
  const clusters = (ruleCase.clusters ?? []).map((one) => ({ ...piece(one), model: one.model, label: one.label }));
  const computed = (ruleCase.computed ?? []).map((one) => ({ ...piece(one), key: one.key, value: one.value }));
  const mergedWithdrawals = (ruleCase.mergedWithdrawals ?? []).map((one) => ({ profileId, purpose: one.purpose, mergedMs: instantMs(one.at) }));
  const known = [...events.map(({ appendedAtMs }) => appendedAtMs), ...[...lists, ...clusters, ...computed].map(({ fromMs }) => fromMs)];
  const knownFromMs = ruleCase.knownFrom !== undefined ? instantMs(ruleCase.knownFrom) : known.length > 0 ? Math.min(...known) : 0;
  return { profileId, profiles: [{ profileId, knownFromMs }], events, lists, clusters, computed, mergedWithdrawals };
}

function readEvent(event: CaseEvent, i: number, profileId: string): HistoryEvent {
  const type = event.type ?? (event.traits !== undefined ? 'identify' : 'track');
  const isView = type === 'page' || type === 'screen';
  const name = isView ? type : type === 'track' ? String(event.event ?? event.name) : '';
  // No `timestamp`: the receipt; and never after the append (rule 2).
  const appendedAtMs = instantMs(event.appendedAt ?? event.timestamp!);
  const timestampMs = Math.min(instantMs(event.timestamp ?? event.appendedAt!), appendedAtMs);
  const body = { ...(isView && event.name !== undefined ? { name: event.name } : {}), properties: event.properties, traits: event.traits };
  return { profileId, messageId: event.messageId ?? `m${String(i).padStart(4, '0')}`, type, name, timestampMs, appendedAtMs, body };
}
