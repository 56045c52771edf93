import type { RuleNode } from '@tributary/contracts/rule';
import type { CompilePattern } from './engine.js';

/** What a rule is checked against. */
export interface RuleContext {
  /** Score models by key. */
  readonly scores: ReadonlySet<string>;
  /** Computed traits by key. */
  readonly computed: ReadonlyMap<string, 'number' | 'text'>;
  /** Cluster models by key, with their labels as far as they are known. */
  readonly clusters: ReadonlyMap<string, ReadonlySet<string>>;
  readonly lists: ReadonlySet<string>;
  /** The other segments of the workspace. */
  readonly segments: ReadonlyMap<string, { readonly rule: RuleNode; readonly stay?: RuleNode }>;
  readonly compilePattern: CompilePattern;
  /** What has been seen in events so far; only for warnings. */
  readonly seen?: {
    readonly events: ReadonlySet<string>;
    readonly traits: ReadonlySet<string>;
    /** By event name. */
    readonly properties: ReadonlyMap<string, ReadonlySet<string>>;
  };
}

export type RuleErrorCode =
  | 'ambiguous_node' | 'cycle' | 'duplicate_name' | 'empty_list' | 'empty_window' | 'invalid_duration' | 'invalid_instant' | 'invalid_pattern'
  | 'invalid_range' | 'invalid_sequence' | 'missing_field' | 'mixed_window' | 'not_allowed' | 'too_deep' | 'too_long' | 'unknown_cluster_model'
  | 'unknown_computed_trait' | 'unknown_field' | 'unknown_list' | 'unknown_node' | 'unknown_operator' | 'unknown_reference' | 'unknown_score'
  | 'unknown_segment' | 'wrong_type';

export type RuleWarningCode = 'event_never_seen' | 'trait_never_seen' | 'property_never_seen' | 'label_never_seen';

export interface RuleIssue<Code = RuleErrorCode> {
  /** JSON Pointer into the request body. */
  readonly pointer: string;
  readonly code: Code;
  /** Says what to do. */
  readonly detail: string;
}

export interface RuleVerdict {
  readonly errors: readonly RuleIssue[];
  readonly warnings: readonly RuleIssue<RuleWarningCode>[];
}

export type JsonObject = { readonly [key: string]: unknown };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Collects what is wrong while a rule is walked. */
export class RuleCheck {
  readonly errors: RuleIssue[] = [];
  readonly warnings: RuleIssue<RuleWarningCode>[] = [];

  constructor(readonly context: RuleContext) {}

  /** Always false, so that a check can end with it. */
  refuse(pointer: string, code: RuleErrorCode, detail: string): false {
    this.errors.push({ pointer, code, detail });
    return false;
  }

  warn(pointer: string, code: RuleWarningCode, detail: string): void {
    this.warnings.push({ pointer, code, detail });
  }

  /** Refuses every field that is not among the known ones. */
  onlyFields(node: JsonObject, pointer: string, known: readonly string[]): void {
    for (const field of Object.keys(node)) {
      if (!known.includes(field)) this.refuse(child(pointer, field), 'unknown_field', `Remove "${field}", or use one of: ${known.join(', ')}.`);
    }
  }

  /** A text that is not empty. */
  text(node: JsonObject, field: string, pointer: string): node is JsonObject {
    const value = node[field];
    if (value === undefined) return this.refuse(child(pointer, field), 'missing_field', `Give "${field}" as a text.`);
    if (typeof value !== 'string') return this.refuse(child(pointer, field), 'wrong_type', `Give "${field}" as a text.`);
    return value.length > 0 || this.refuse(child(pointer, field), 'wrong_type', `Give "${field}" as a text that is not empty.`);
  }
}

export function child(pointer: string, field: string | number): string {
  return `${pointer}/${String(field).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
