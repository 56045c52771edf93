import type { RuleNode } from '@tributary/contracts/rule';
import { validateRule } from '@tributary/domain/segmentation/validate-rule';
import { notFound, Problem, refused } from '@tributary/service/problem';
import { compilePattern } from './compile-pattern.js';
import type { DefinitionsContext } from './definitions-context.postgres.js';
import type { PutSegmentBody } from './segment-bodies.js';
import type { SegmentRow, SegmentsStore } from './segments.postgres.js';

/** Segments that a workspace may have. */
const SEGMENTS_MAX = 50_000;

export interface Warned<Value> {
  readonly value: Value;
  readonly warnings: readonly { readonly pointer: string; readonly code: string; readonly detail: string }[];
}

/** Creates, edits and deletes segments: validated, without cycles, one definitions version a change. */
export class SegmentDefinitions {
  constructor(
    private readonly store: SegmentsStore,
    private readonly context: DefinitionsContext,
    private readonly clock: () => number,
  ) {}

  async create(workspace: string, key: string, body: PutSegmentBody): Promise<Warned<SegmentRow>> {
    return this.#put(workspace, key, body, (current) => {
      if (current !== null) throw new Problem(409, 'duplicate_key', `There is a segment "${key}" already; edit it with PUT or choose another key.`);
    });
  }

  async replace(workspace: string, key: string, body: PutSegmentBody): Promise<Warned<SegmentRow>> {
    return this.#put(workspace, key, body, (current) => {
      if (current === null) throw notFound('segment with this key');
    });
  }

  async delete(workspace: string, key: string): Promise<void> {
    const users = await this.context.usersOutside(workspace, key);
    await this.store.change(workspace, (current) => {
      if (!current.some((segment) => segment.key === key)) throw notFound('segment with this key');
      const usedBy = [...current.filter((segment) => segment.key !== key && refersTo(segment, 'segment', key)).map((segment) => `segment "${segment.key}"`), ...users];
      if (usedBy.length > 0) throw new Problem(409, 'in_use', `It is used by ${usedBy.slice(0, 5).join(', ')}. Change or delete that first.`);
      return { kind: 'delete', workspace, key };
    });
  }

  /** @throws Problem 422 with a pointer to every wrong field */
  async validate(workspace: string, key: string, body: { readonly rule: unknown; readonly stay?: unknown }, current: readonly SegmentRow[]): Promise<Warned<{ rule: RuleNode; stay: RuleNode | null }>> {
    const context = await this.context.read(workspace);
    return this.#validated(key, body, current, context);
  }

  #validated(key: string, body: { readonly rule: unknown; readonly stay?: unknown }, current: readonly SegmentRow[], context: Awaited<ReturnType<DefinitionsContext['read']>>): Warned<{ rule: RuleNode; stay: RuleNode | null }> {
    const segments = new Map(current.map((segment) => [segment.key, { rule: segment.rule, ...(segment.stay === null ? {} : { stay: segment.stay }) }]));
    const definition = { key, rule: body.rule, ...(body.stay === undefined || body.stay === null ? {} : { stay: body.stay }) };
    const { errors, warnings } = validateRule(definition, { ...context, segments, compilePattern });
    if (errors.length > 0) throw refused(errors);
    return { value: { rule: body.rule as RuleNode, stay: (body.stay ?? null) as RuleNode | null }, warnings };
  }

  async #put(workspace: string, key: string, body: PutSegmentBody, check: (current: SegmentRow | null) => void): Promise<Warned<SegmentRow>> {
    if (body.key !== undefined && body.key !== key) throw refused([{ pointer: '/key', code: 'key_mismatch', detail: 'The key of a segment cannot be changed; it must be that of the address.' }]);
    const context = await this.context.read(workspace);
    let warnings: Warned<SegmentRow>['warnings'] = [];
    const segment = await this.store.change(workspace, (current) => {
      const before = current.find((candidate) => candidate.key === key) ?? null;
      check(before);
      if (before === null && current.length >= SEGMENTS_MAX) throw new Problem(422, 'too_many_segments', `A workspace has at most ${SEGMENTS_MAX} segments.`);
      const validated = this.#validated(key, body, current, context);
      warnings = validated.warnings;
      const now = this.clock();
      return {
        kind: 'put',
        segment: {
          workspace, key, name: body.name, description: body.description ?? before?.description ?? '', ...validated.value,
          version: (before?.version ?? 0) + 1, paused: body.status === undefined ? (before?.paused ?? false) : body.status === 'paused', createdMs: before?.createdMs ?? now, updatedMs: now,
        },
      };
    });
    return { value: segment as SegmentRow, warnings };
  }
}

/** Whether a definition names a segment or a list. */
export function refersTo({ rule, stay }: Pick<SegmentRow, 'rule' | 'stay'>, kind: 'segment' | 'list', key: string): boolean {
  const refers = (node: unknown): boolean => {
    if (typeof node !== 'object' || node === null) return false;
    if (Array.isArray(node)) return node.some(refers);
    const { [kind]: named, and, or, not } = node as { readonly segment?: unknown; readonly list?: unknown; readonly and?: unknown; readonly or?: unknown; readonly not?: unknown };
    return named === key || refers(and) || refers(or) || refers(not);
  };
  return refers(rule) || refers(stay);
}
