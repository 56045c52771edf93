import type { RuleNode, SegmentRule } from '@tributary/contracts/rule';

/** Segments so that each comes after those that it names, else in the given order. Throws where they form a cycle. */
export function orderSegments(segments: readonly SegmentRule[]): readonly SegmentRule[] {
  const byKey = new Map(segments.map((segment) => [segment.key, segment]));
  const ordered = new Set<SegmentRule>();
  const open = new Set<SegmentRule>();
  const visit = (segment: SegmentRule): void => {
    if (ordered.has(segment)) return;
    if (open.has(segment)) throw new Error(`segment ${segment.key} depends on itself`);
    open.add(segment);
    for (const named of namedSegments(segment)) {
      const other = byKey.get(named);
      if (other) visit(other);
    }
    open.delete(segment);
    ordered.add(segment);
  };
  segments.forEach(visit);
  return [...ordered];
}

/** The keys of the segments that a definition names, in its rule or its `stay`. */
export function namedSegments(definition: { readonly rule: RuleNode; readonly stay?: RuleNode }): ReadonlySet<string> {
  const named = new Set<string>();
  collectNamed(definition.rule, named);
  if (definition.stay !== undefined) collectNamed(definition.stay, named);
  return named;
}

function collectNamed(node: RuleNode, named: Set<string>): void {
  if ('and' in node) node.and.forEach((child) => collectNamed(child, named));
  else if ('or' in node) node.or.forEach((child) => collectNamed(child, named));
  else if ('not' in node) collectNamed(node.not, named);
  else if ('segment' in node) named.add(node.segment);
}
