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
  readonly changes?: readonly (Instant | { readonly at: string })[];
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

/** An event, or (by its type) what another service told: `computed`, `cluster`, `list`, `consent`, `birth`. */
export interface CaseEvent {
  readonly type?: string;
  readonly [told: string]: Json | undefined;
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

/** When the changes of a case happen, as they are written out. */
export function changesOf(ruleCase: RuleCase): readonly string[] | undefined {
  return ruleCase.changes?.map((one) => new Date(instantMs(typeof one === 'object' ? one.at : one)).toISOString());
}

/** Scores are told in a case or follow from its events; the latter is what SQL can be asked. Profile ids are UUIDs there. */
export function isForSql({ rule, stay, segments, profileId }: RuleCase): boolean {
  return !/"score":/.test(JSON.stringify([rule, stay ?? null, segments ?? []])) && (profileId === undefined || /^[0-9a-f-]{36}$/.test(profileId));
}

export function segmentOf({ rule, stay }: RuleCase): SegmentDefinition {
  return { key: SEGMENT_KEY, rule, ...(stay ? { stay } : {}) };
}

export function contextOf(ruleCase: RuleCase, workspace: string): SqlContext {
  return { workspace, relations, timezone: ruleCase.timezone, purposes: ruleCase.purposes, segments: ruleCase.segments };
}

export function historyOf(ruleCase: RuleCase): History & { readonly profileId: string } {
  const profileId = ruleCase.profileId ?? PROFILE_ID;
  const all = ruleCase.events ?? [];
  const events = all.filter(({ type }) => !TOLD.includes(type ?? '')).map((event, i) => readEvent(event, i, profileId));
  // The log's order is that of the append; a stable sort keeps ties as they were written. Of one id the first counts.
  events.sort((a, b) => a.appendedAtMs - b.appendedAtMs);
  const accepted = events.filter(({ messageId }, i) => events.findIndex((other) => other.messageId === messageId) === i);
  const piece = ({ from, to }: CasePiece) => ({ profileId, fromMs: instantMs(from), toMs: to === undefined ? null : instantMs(to) });
  const lists = [...(ruleCase.lists ?? []), ...toldPieces(all, 'list', ({ list }) => list, ({ member }) => member === true)].map((one) => ({ ...piece(one), list: one.list as string }));
  const clusters = [...(ruleCase.clusters ?? []), ...toldPieces(all, 'cluster', ({ model }) => model, ({ label }) => label !== null)].map((one) => ({ ...piece(one), model: one.model as string, label: one.label as string }));
  const computed = [...(ruleCase.computed ?? []), ...toldPieces(all, 'computed', ({ key }) => key, ({ value }) => value !== null)].map((one) => ({ ...piece(one), key: one.key as string, value: one.value }));
  const mergedWithdrawals = (ruleCase.mergedWithdrawals ?? []).map((one) => ({ profileId, purpose: one.purpose, mergedMs: instantMs(one.at) }));
  const births = all.filter(({ type }) => type === 'birth').map(({ appendedAt }) => instantMs(appendedAt!));
  const known = [...births, ...accepted.map(({ appendedAtMs }) => appendedAtMs), ...[...lists, ...clusters, ...computed].map(({ fromMs }) => fromMs)];
  const knownFromMs = ruleCase.knownFrom !== undefined ? instantMs(ruleCase.knownFrom) : known.length > 0 ? Math.min(...known) : 0;
  return { profileId, profiles: [{ profileId, knownFromMs }], events: accepted, lists, clusters, computed, mergedWithdrawals };
}

const TOLD = ['computed', 'cluster', 'list', 'birth'];

/** From each entry to the next about the same thing. */
function toldPieces(all: readonly CaseEvent[], type: string, about: (entry: CaseEvent) => unknown, isSomething: (entry: CaseEvent) => boolean): (CaseEvent & CasePiece)[] {
  const entries = all.filter((entry) => entry.type === type);
  return entries.flatMap((entry, i) => {
    const next = entries.slice(i + 1).find((other) => about(other) === about(entry));
    return isSomething(entry) ? [{ ...entry, from: entry.appendedAt!, to: next?.appendedAt }] : [];
  });
}

function readEvent(event: CaseEvent, i: number, profileId: string): HistoryEvent {
  if (event.type === 'consent') {
    const { purpose, decision, occurredAt, appendedAt, messageId } = event;
    return readEvent({ type: 'track', event: 'Consent Updated', appendedAt, messageId, properties: { purpose: purpose!, decision: decision!, occurredAt: (occurredAt ?? appendedAt)! } }, i, profileId);
  }
  const type = event.type ?? (event.traits !== undefined ? 'identify' : 'track');
  const isView = type === 'page' || type === 'screen';
  const name = isView ? type : type === 'track' ? String(event.event ?? event.name) : '';
  // No `timestamp`: the receipt; and never after the append (rule 2).
  const appendedAtMs = instantMs(event.appendedAt ?? event.timestamp!);
  const timestampMs = Math.min(instantMs(event.timestamp ?? event.appendedAt!), appendedAtMs);
  const body = { ...(isView && event.name !== undefined ? { name: event.name } : {}), properties: event.properties, traits: event.traits };
  return { profileId, messageId: event.messageId ?? `m${String(i).padStart(4, '0')}`, type, name, timestampMs, appendedAtMs, body };
}
