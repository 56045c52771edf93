import type { SegmentRule } from '@tributary/contracts/rule';

export interface ScoreLeaf {
  /** JSON Pointer into the definition. */
  readonly path: string;
  readonly score: string;
  readonly op: 'gt' | 'gte' | 'lt' | 'lte';
  readonly value: number;
}

const THRESHOLDS: readonly string[] = ['gt', 'gte', 'lt', 'lte'];

/** Whether scores have a say in a segment, by itself or through segments that it names. */
export function dependsOnScore(segments: readonly Pick<SegmentRule, 'key' | 'rule' | 'stay'>[], key: string, seen = new Set<string>()): boolean {
  const segment = segments.find((one) => one.key === key);
  if (segment === undefined || seen.has(key)) return false;
  seen.add(key);
  return leavesOf(segment).some(({ node }) => 'score' in node || (typeof node['segment'] === 'string' && dependsOnScore(segments, node['segment'], seen)));
}

/** The conditions of a definition that compare a score with one number, in the order in which they are written. */
export function findThresholds(definition: Pick<SegmentRule, 'rule' | 'stay'>): ScoreLeaf[] {
  return leavesOf(definition).flatMap(({ path, node }) => {
    const { score, op, value } = node;
    return typeof score === 'string' && THRESHOLDS.includes(op as string) && typeof value === 'number' ? [{ path, score, op: op as ScoreLeaf['op'], value }] : [];
  });
}

interface PlacedLeaf {
  readonly path: string;
  readonly node: { readonly [field: string]: unknown };
}

function leavesOf({ rule, stay }: Pick<SegmentRule, 'rule' | 'stay'>): PlacedLeaf[] {
  const visit = (path: string, node: PlacedLeaf['node']): PlacedLeaf[] => {
    const children = (node['and'] ?? node['or']) as PlacedLeaf['node'][] | undefined;
    if (children !== undefined) return children.flatMap((child, index) => visit(`${path}/${'and' in node ? 'and' : 'or'}/${index}`, child));
    return 'not' in node ? visit(`${path}/not`, node['not'] as PlacedLeaf['node']) : [{ path, node }];
  };
  return [...visit('/rule', rule as unknown as PlacedLeaf['node']), ...(stay === undefined || stay === null ? [] : visit('/stay', stay as unknown as PlacedLeaf['node']))];
}
