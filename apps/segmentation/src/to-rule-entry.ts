import type { Entry } from '@tributary/contracts/entry';
import type { EventBody, RuleEntry } from '@tributary/domain/segmentation/rule-entry';

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
