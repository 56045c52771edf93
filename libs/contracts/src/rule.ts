/**
 * The rule language as data. What each node means is in docs/rules.md; what is refused when a rule is saved is
 * decided by `@tributary/domain/segmentation/validate-rule`.
 */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export type ComparisonOp = 'gt' | 'gte' | 'lt' | 'lte' | 'between';
export type CountOp = ComparisonOp | 'equals';
export type TimeOp = 'before' | 'after' | 'inLast' | 'inNext' | 'notInLast' | 'anniversaryInNext';
export type ValueOp =
  | 'equals' | 'notEquals' | 'in' | 'notIn' | 'exists' | 'notExists' | ComparisonOp
  | 'contains' | 'startsWith' | 'endsWith' | 'matches' | 'includes' | TimeOp;

/** The test of one value: what a trait node and a `where` filter have in common. */
export interface ValueTest {
  readonly op: ValueOp;
  readonly value?: Json;
  readonly ignoreCase?: boolean;
  /** Only with `notEquals` and `notIn`: an absent value satisfies too. */
  readonly absent?: boolean;
}

export interface TraitNode extends ValueTest {
  readonly trait: string;
}

export interface WhereFilter extends ValueTest {
  readonly property: string;
}

/** In a sequence step only: compares with a property of an earlier step (`name.path`). */
export interface RefFilter {
  readonly property: string;
  readonly op: 'equals' | 'notEquals' | 'gt' | 'gte' | 'lt' | 'lte';
  readonly ref: string;
}

/** `within`, or a range; left out altogether: ever. */
export interface WindowFields {
  readonly within?: string;
  /** With `within` of days or weeks: from a local midnight. */
  readonly calendar?: boolean;
  readonly fromAgo?: string;
  readonly toAgo?: string;
  readonly from?: string | number;
  readonly to?: string | number;
}

export interface CountTest {
  readonly op: CountOp;
  readonly value: number | readonly [number, number];
}

export interface PerformedNode extends WindowFields {
  readonly performed: string;
  readonly where?: readonly WhereFilter[];
  readonly count?: CountTest;
  readonly aggregate?: { readonly fn: 'sum' | 'avg' | 'min' | 'max' | 'distinct'; readonly property: string };
  /** Only with `aggregate`. */
  readonly op?: CountOp;
  readonly value?: number | readonly [number, number];
}

export interface SequenceStep {
  readonly performed: string;
  readonly as?: string;
  readonly within?: string;
  readonly where?: readonly (WhereFilter | RefFilter)[];
  readonly absent?: true;
}

export interface SequenceNode extends WindowFields {
  readonly sequence: readonly SequenceStep[];
}

export interface ScoreNode {
  readonly score: string;
  readonly op: CountOp;
  readonly value: number | readonly [number, number];
}

export interface ComputedNode extends ValueTest {
  readonly computed: string;
}

export type RuleNode =
  | { readonly and: readonly RuleNode[] }
  | { readonly or: readonly RuleNode[] }
  | { readonly not: RuleNode }
  | TraitNode
  | PerformedNode
  | SequenceNode
  | ScoreNode
  | ComputedNode
  | { readonly cluster: string; readonly in: readonly string[] }
  | { readonly segment: string }
  | { readonly list: string }
  | { readonly consent: string; readonly is: 'granted' | 'withdrawn' }
  | { readonly random: { readonly salt: string; readonly from: number; readonly to: number } };

/** A segment as the engine sees it. `key` is unique in its workspace. */
export interface SegmentRule {
  readonly key: string;
  readonly version: number;
  readonly rule: RuleNode;
  readonly stay?: RuleNode;
}
