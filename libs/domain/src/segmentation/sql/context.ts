import type { RuleNode } from '@tributary/contracts/rule';

/** What the compiler needs of a segment; a `SegmentRule` is one. */
export interface SegmentDefinition {
  readonly key: string;
  readonly rule: RuleNode;
  readonly stay?: RuleNode;
}

/** Names of the source relations as they go into the text: from trusted code only, quoted where they need it. */
export interface SourceRelations {
  readonly profiles: string;
  readonly events: string;
  readonly lists: string;
  readonly clusters: string;
  readonly computed: string;
  /** `(workspace, profile_id, purpose, merged_ms)`: withdrawals that stood at a merge for the other profile. */
  readonly mergedWithdrawals?: string;
}

/** An engagement score by the formula of the design, with the numbers that a workspace may change. */
export interface EngagementModel {
  readonly openWeight: number;
  readonly clickWeight: number;
  readonly visitWeight: number;
  readonly mailWindowMs: number;
  readonly visitWindowMs: number;
  readonly sessionGapMs: number;
  readonly sessionsMax: number;
}

export const standardEngagement: EngagementModel = {
  openWeight: 4,
  clickWeight: 3,
  visitWeight: 3,
  mailWindowMs: 30 * 86_400_000,
  visitWindowMs: 7 * 86_400_000,
  sessionGapMs: 1_800_000,
  sessionsMax: 10,
};

export interface SqlContext {
  readonly workspace: string;
  readonly relations: SourceRelations;
  /** IANA name; UTC where it is missing or not one. */
  readonly timezone?: string;
  /** Policy by purpose; a purpose that is not here is opt-in. */
  readonly purposes?: Readonly<Record<string, 'opt-in' | 'opt-out'>>;
  /** Definitions of the segments that rules refer to, also through others. */
  readonly segments?: readonly SegmentDefinition[];
  /** Score models by key; `engagement` is the standard one unless it is here. */
  readonly scores?: Readonly<Record<string, EngagementModel>>;
  /** Which strings a pattern matches, for patterns that SQL cannot say: see `listOutsidePatterns`. */
  readonly matches?: readonly MatchedStrings[];
}

export interface OutsidePattern {
  readonly pattern: string;
  readonly ignoreCase: boolean;
}

export interface MatchedStrings extends OutsidePattern {
  /** The strings among the candidates that the pattern matches. */
  readonly strings: readonly string[];
}
