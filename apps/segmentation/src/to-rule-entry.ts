import type { Entry } from '@tributary/contracts/entry';
import { LIST_MEMBERSHIP_CHANGED } from '@tributary/contracts/own-events';
import type { EventBody, ListEntry, RuleEntry } from '@tributary/domain/segmentation/rule-entry';
import type { ListChanges } from './list-change.js';

/** An entry as the rules read it; null for kinds that say nothing to rules. The body is parsed when a rule asks. */
export function toRuleEntry(entry: Entry): RuleEntry | null {
  const { appendedAtMs, scores } = entry;
  if (entry.kind === 'score') return scores === undefined ? null : { kind: 'score', appendedAtMs, scores };
  if (entry.kind !== 'event') return null;
  const { type, name, messageId, timestampMs, body } = entry;
  return {
    kind: 'event', type, name, messageId, timestampMs, appendedAtMs,
    readBody: () => JSON.parse(body.toString()) as EventBody,
    ...(scores === undefined ? {} : { scores }),
  };
}

/** What an event says of a static list, besides having happened; null for nearly all. */
export function toListEntry(entry: Entry, lists: ListChanges): ListEntry | null {
  if (entry.kind !== 'event' || entry.name !== LIST_MEMBERSHIP_CHANGED) return null;
  const change = lists.read({ ...entry, readBody: () => JSON.parse(entry.body.toString()) as EventBody });
  return change === null ? null : { kind: 'list', appendedAtMs: entry.appendedAtMs, ...change };
}
