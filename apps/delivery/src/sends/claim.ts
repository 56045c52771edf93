import type { ChangeCause } from '@tributary/contracts/change';
import type { Write } from '@tributary/postgres/write';

/** What a send keeps of the change that occasioned it. */
export interface ClaimedChange {
  readonly segment: string;
  readonly change: 'entered' | 'left';
  readonly cause: ChangeCause;
  readonly effectiveAt: string;
  readonly event?: { readonly messageId: string; readonly name: string; readonly timestamp: string };
  /** W3C trace context of the change's record; none for a member from before the automation. */
  readonly traceparent?: string;
}

/** An occasion to send, before anything has been decided about it. */
export interface Claim {
  readonly workspace: string;
  readonly automationId: string;
  readonly automation: string;
  readonly template: string;
  readonly purpose: string;
  readonly once: boolean;
  readonly includeExisting: boolean;
  readonly profileId: string;
  readonly changeSequence: number;
  readonly effectiveMs: number;
  readonly change: ClaimedChange;
}

/**
 * Claims are unique by automation, profile and sequence of the change: a record that comes again claims nothing. Who was
 * claimed as an existing member when the automation was made is the same entry, told apart by its instant.
 */
export function insertClaims(claims: readonly Claim[], nowMs: number): Write {
  const column = <Key extends keyof Claim>(key: Key): Claim[Key][] => claims.map((claim) => claim[key]);
  return {
    text: `insert into delivery.sends (workspace, automation_id, automation, template, purpose, once, profile_id, change_sequence,
          effective_ms, change, next_attempt_ms, claimed_ms)
      select c.workspace, c.automation_id, c.automation, c.template, c.purpose, c.once, c.profile_id, c.change_sequence,
          c.effective_ms, c.change, $12::bigint, $12::bigint
      from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::boolean[], $8::uuid[], $9::bigint[],
          $10::bigint[], $11::jsonb[])
        as c(workspace, automation_id, automation, template, purpose, once, include_existing, profile_id, change_sequence, effective_ms, change)
      where not (c.include_existing and exists (select from delivery.sends e
        where e.automation_id = c.automation_id and e.profile_id = c.profile_id and e.change_sequence = 0 and e.effective_ms = c.effective_ms))
      on conflict (automation_id, profile_id, change_sequence) do nothing`,
    values: [
      column('workspace'), column('automationId'), column('automation'), column('template'), column('purpose'), column('once'),
      column('includeExisting'), column('profileId'), column('changeSequence'), column('effectiveMs'),
      claims.map((claim) => JSON.stringify(claim.change)), nowMs,
    ],
  };
}
