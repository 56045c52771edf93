import type { Json, RuleNode, SegmentRule } from '@tributary/contracts/rule';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RuleEntry } from '../rule-entry.js';

/** A case of the tables: what is asked of any implementation of the rule language. Instants are ISO 8601. */
export interface RuleCase {
  /** The sentence of the language that it shows. */
  readonly sentence: number;
  readonly name: string;
  readonly rule: RuleNode;
  readonly stay?: RuleNode;
  /** Segments that the rule may name. */
  readonly segments?: readonly { readonly key: string; readonly rule: RuleNode; readonly stay?: RuleNode }[];
  readonly timezone?: string;
  readonly purposes?: { readonly [purpose: string]: 'opt-in' | 'opt-out' };
  readonly profileId?: string;
  readonly now: string;
  readonly events: readonly CaseEntry[];
  /** With everything known that was appended up to `now`. */
  readonly member: boolean;
  /** The next flip after `now` by time alone; left out: not asked. */
  readonly flipsAt?: string | null;
  /** All changes up to `now`, in order; left out: not asked. */
  readonly changes?: readonly { readonly change: 'entered' | 'left'; readonly at: string }[];
}

/** An event as Segment's spec has it, or what another service told: score, computed, cluster, list, consent, birth. */
type CaseEntry = { readonly type: string; readonly appendedAt: string; readonly [field: string]: Json };

const CASES = join(import.meta.dirname, '..', 'cases');

export function readCases(): (readonly [file: string, cases: readonly RuleCase[]])[] {
  return readdirSync(CASES).filter((file) => file.endsWith('.cases.json')).sort().map((file) => [file, JSON.parse(readFileSync(join(CASES, file), 'utf8')) as RuleCase[]]);
}

export function segmentsOf(one: RuleCase): SegmentRule[] {
  const named = (one.segments ?? []).map((segment) => ({ version: 1, ...segment }));
  return [...named, { key: 'asked', version: 1, rule: one.rule, ...(one.stay && { stay: one.stay }) }];
}

export function entriesOf(one: RuleCase): RuleEntry[] {
  return one.events.map(entryOf).sort((a, b) => a.appendedAtMs - b.appendedAtMs);
}

function entryOf(raw: CaseEntry): RuleEntry {
  const appendedAtMs = Date.parse(raw.appendedAt);
  switch (raw.type) {
    case 'birth': return { kind: 'birth', appendedAtMs };
    case 'score': return { kind: 'score', appendedAtMs, scores: micros(raw['scores'] as { readonly [key: string]: number }) };
    case 'computed': return { kind: 'computed', appendedAtMs, key: String(raw['key']), value: raw['value'] ?? null };
    case 'cluster': return { kind: 'cluster', appendedAtMs, model: String(raw['model']), label: raw['label'] as string | null };
    case 'list': return { kind: 'list', appendedAtMs, list: String(raw['list']), member: raw['member'] === true };
    case 'consent': return { kind: 'consent', appendedAtMs, purpose: String(raw['purpose']), decision: raw['decision'] as 'granted', occurredAtMs: Date.parse(String(raw['occurredAt'])) };
    default: {
      const isView = raw.type === 'page' || raw.type === 'screen';
      const name = raw.type === 'track' ? String(raw['event']) : isView ? raw.type : '';
      const messageId = String(raw['messageId']);
      const timestampMs = Date.parse(String(raw['timestamp']));
      return { kind: 'event', type: raw.type, name, messageId, timestampMs, appendedAtMs, readBody: () => ({ name: raw['name'], properties: raw['properties'], traits: raw['traits'] }) };
    }
  }
}

function micros(scores: { readonly [key: string]: number }): { [key: string]: number } {
  return Object.fromEntries(Object.entries(scores).map(([key, value]) => [key, Math.round(value * 1e6)]));
}
