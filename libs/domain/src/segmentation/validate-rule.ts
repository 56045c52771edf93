import type { RuleNode } from '@tributary/contracts/rule';
import { namedSegments } from './order-segments.js';
import { child, isObject, RuleCheck, type JsonObject, type RuleContext, type RuleVerdict } from './rule-verdict.js';
import { LEAF_KINDS, validateLeaf } from './validate-leaf.js';

export const DEPTH_MAX = 16;
export const CHILDREN_MAX = 100;

const KINDS = ['and', 'or', 'not', ...LEAF_KINDS];

/**
 * Everything that docs/rules.md calls refused, with the pointer to it in the request body. `key` is the segment's own,
 * so that a rule that comes back to it is found.
 */
export function validateRule(definition: { readonly key?: string; readonly rule?: unknown; readonly stay?: unknown }, context: RuleContext): RuleVerdict {
  const check = new RuleCheck(context);
  if (definition.rule === undefined) check.refuse('/rule', 'missing_field', 'Give the rule as an object such as {"trait":"plan","op":"equals","value":"pro"}.');
  else validateNode(definition.rule, '/rule', 1, check);
  if (definition.stay !== undefined) validateNode(definition.stay, '/stay', 1, check);
  if (check.errors.length === 0) refuseCycles(definition as never, check);
  return { errors: check.errors, warnings: check.warnings };
}

function validateNode(node: unknown, pointer: string, depth: number, check: RuleCheck): void {
  if (depth > DEPTH_MAX) {
    check.refuse(pointer, 'too_deep', `Rules nest at most ${DEPTH_MAX} deep. Move the inner part to a segment of its own and name it.`);
    return;
  }
  if (!isObject(node)) {
    check.refuse(pointer, 'wrong_type', 'Give a rule node: an object with one of the fields '.concat(KINDS.join(', '), '.'));
    return;
  }
  const kinds = KINDS.filter((kind) => Object.hasOwn(node, kind));
  if (kinds.length > 1) {
    check.refuse(pointer, 'ambiguous_node', `A node is of one kind; this has ${kinds.join(' and ')}. Put them side by side in "and" or "or".`);
    return;
  }
  const kind = kinds[0];
  if (kind === undefined) {
    const fields = Object.keys(node);
    check.refuse(fields.length === 0 ? pointer : child(pointer, fields[0]!), 'unknown_node', `Name the kind of the node by one of the fields ${KINDS.join(', ')}.`);
    return;
  }
  if (kind === 'and' || kind === 'or') validateList(node, kind, { pointer, depth, check });
  else if (kind === 'not') {
    check.onlyFields(node, pointer, ['not']);
    validateNode(node['not'], child(pointer, 'not'), depth + 1, check);
  } else validateLeaf(node, kind, pointer, check);
}

function validateList(node: JsonObject, kind: 'and' | 'or', at: { readonly pointer: string; readonly depth: number; readonly check: RuleCheck }): void {
  const { pointer, depth, check } = at;
  check.onlyFields(node, pointer, [kind]);
  const list = node[kind];
  const place = child(pointer, kind);
  if (!Array.isArray(list)) check.refuse(place, 'wrong_type', `Give "${kind}" a list of rule nodes.`);
  else if (list.length === 0) check.refuse(place, 'empty_list', `Give "${kind}" at least one node.`);
  else if (list.length > CHILDREN_MAX) check.refuse(place, 'too_long', `Give "${kind}" at most ${CHILDREN_MAX} nodes; group them by further ${kind} nodes.`);
  else list.forEach((one, i) => validateNode(one, child(place, i), depth + 1, check));
}

/** A segment may not depend on itself, through rules or `stay` of others. */
function refuseCycles(definition: { readonly key?: string; readonly rule: RuleNode; readonly stay?: RuleNode }, check: RuleCheck): void {
  const { key } = definition;
  if (key === undefined) return;
  for (const part of ['rule', 'stay'] as const) {
    const node = definition[part];
    if (node === undefined) continue;
    const path = pathTo(key, [...namedSegments({ rule: node })], check.context.segments);
    if (path) check.refuse(pointerOfName(node, `/${part}`, path[0]!), 'cycle', `Segment "${key}" would depend on itself: ${[key, ...path].join(' → ')}. Remove one of these steps.`);
  }
}

/** The names from one of `from` to `key`, both included, or undefined. */
function pathTo(key: string, from: readonly string[], segments: RuleContext['segments']): string[] | undefined {
  const cameFrom = new Map<string, string | undefined>(from.map((name) => [name, undefined]));
  const queue = [...from];
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    if (name === key) {
      const path: string[] = [];
      for (let step: string | undefined = name; step !== undefined; step = cameFrom.get(step)) path.unshift(step);
      return path;
    }
    const definition = segments.get(name);
    for (const next of definition ? namedSegments(definition) : []) {
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, name);
      queue.push(next);
    }
  }
  return undefined;
}

/** Where a rule first names a segment. */
function pointerOfName(node: RuleNode, pointer: string, name: string): string {
  if ('segment' in node) return child(pointer, 'segment');
  const found = (inner: RuleNode, at: string): string | undefined => (namedSegments({ rule: inner }).has(name) ? pointerOfName(inner, at, name) : undefined);
  if ('not' in node) return found(node.not, `${pointer}/not`) ?? pointer;
  for (const kind of ['and', 'or'] as const) {
    const list = (node as { readonly [kind]?: readonly RuleNode[] })[kind] ?? [];
    for (let i = 0; i < list.length; i += 1) {
      const place = found(list[i]!, `${pointer}/${kind}/${i}`);
      if (place !== undefined) return place;
    }
  }
  return pointer;
}
