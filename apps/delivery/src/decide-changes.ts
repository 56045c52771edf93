import type { SegmentChange } from '@tributary/contracts/change';
import { segmentsChanged } from '@tributary/contracts/topics/segments-changed';
import { matchAutomation } from '@tributary/domain/delivery/match-automation';
import type { Decision, Ending, LogRecord, RecordStage } from '@tributary/stream/stage';
import type { ActiveAutomation, AutomationCache } from './automations/automation-cache.postgres.js';
import { type Claim, insertClaims } from './sends/claim.js';

/**
 * The stage of delivery: every membership change that an automation waits for becomes a claim, committed with the
 * position in the log. Sending is none of its work, so a slow mail server holds nothing up here.
 */
export class ChangesStage implements RecordStage {
  readonly kind = 'records';
  readonly name = 'delivery';
  readonly reads = segmentsChanged;

  constructor(
    private readonly automations: AutomationCache,
    private readonly wakeSender: () => void,
  ) {}

  async decide(records: readonly LogRecord[]): Promise<Decision> {
    const changes = records.map(readChange);
    await this.automations.refresh([...new Set(changes.flatMap((change) => (change === null ? [] : [change.workspace])))]);
    const claims = new Map<string, Claim>();
    const endings = changes.map((change, index): Ending => {
      if (change === null) return { ending: 'park', reason: 'malformed_change' };
      const matched = this.automations.of(change.workspace, change.segment).filter((automation) => matchAutomation(automation, change).match === 'claim');
      for (const automation of matched) claims.set(`${automation.id}:${change.profileId}:${change.sequence}`, toClaim(automation, change, records[index]?.headers['traceparent']));
      return matched.length === 0 ? { ending: 'drop', reason: 'no_automation' } : { ending: 'forward', entries: [] };
    });
    if (claims.size === 0) return { endings };
    return { endings, writes: [insertClaims([...claims.values()], Date.now())], afterCommit: this.wakeSender };
  }
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Null for what segmentation never writes. */
function readChange({ value }: LogRecord): SegmentChange | null {
  try {
    const change = JSON.parse(value?.toString() ?? '') as SegmentChange;
    const isWhole =
      typeof change.workspace === 'string' && typeof change.profileId === 'string' && UUID.test(change.profileId) && typeof change.segment === 'string' &&
      (change.change === 'entered' || change.change === 'left') && Number.isSafeInteger(change.sequence) && change.sequence > 0 &&
      Number.isFinite(Date.parse(change.effectiveAt)) && Number.isFinite(Date.parse(change.processedAt));
    return isWhole ? change : null;
  } catch {
    return null;
  }
}

function toClaim({ id, key, template, purpose, once, includeExisting }: ActiveAutomation, change: SegmentChange, traceparent: string | undefined): Claim {
  const { workspace, profileId, sequence, segment, cause, effectiveAt, reason } = change;
  return {
    workspace, automationId: id, automation: key, template, purpose, once, includeExisting, profileId,
    changeSequence: sequence, effectiveMs: Date.parse(effectiveAt),
    change: { segment, change: change.change, cause, effectiveAt, ...(reason?.event === undefined ? {} : { event: reason.event }), ...(traceparent === undefined ? {} : { traceparent }) },
  };
}
