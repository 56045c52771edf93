// A change names the leaves that caused it. Each of them, taken as a segment of its own, must have changed in SQL at
// that instant, to what the change says.
import type { RuleNode } from '@tributary/contracts/rule';
import type { Flip } from '@tributary/domain/segmentation/engine';
import type { SqlCase } from './ask-sql.ts';
import { HORIZON_MS, type Difference, type OracleCase } from './oracle-case.ts';

/** Leaves asked about in one case: each costs a replay. */
const LEAVES_MAX = 2;

interface Claim {
  readonly profileId: string;
  readonly flip: Flip;
  readonly path: string;
  readonly holds: boolean;
  readonly leaf: RuleNode;
}

export async function compareReasons(sql: SqlCase, { scene, segments }: OracleCase, flips: ReadonlyMap<string, readonly Flip[]>): Promise<Difference | undefined> {
  const claims = [...flips].flatMap(([profileId, list]) =>
    list.flatMap((flip): Claim[] => {
      const definition = segments.find(({ key }) => key === flip.segment)!;
      return flip.nodes.map(({ path, holds }) => ({ profileId, flip, path, holds, leaf: leafAt(definition, path) }));
    }),
  );
  const byLeaf = Map.groupBy(claims, ({ leaf }) => JSON.stringify(leaf));
  for (const [text, about] of [...byLeaf].slice(0, LEAVES_MAX)) {
    const changes = await sql.changes({ key: 'the leaf', rule: JSON.parse(text) as RuleNode }, scene.baseMs + HORIZON_MS);
    for (const { profileId, flip, path, holds } of about) {
      const found = changes.get(profileId) ?? [];
      if (found.some(({ atMs, inside }) => atMs === flip.atMs && inside === holds) || isBirth(found, holds, flip)) continue;
      return { about: `reason ${path} of the change at ${new Date(flip.atMs).toISOString()}`, segment: flip.segment, profileId, engine: { holds }, sql: found };
    }
  }
  return undefined;
}

/** A leaf that does not hold when the profile comes into being has not changed in SQL, which knows no time before. */
function isBirth(found: readonly { readonly atMs: number }[], holds: boolean, flip: Flip): boolean {
  return !holds && found.every(({ atMs }) => atMs >= flip.atMs);
}

/** The node at a JSON Pointer into the definition. */
function leafAt(definition: object, pointer: string): RuleNode {
  const keys = pointer.split('/').slice(1).map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  return keys.reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], definition) as RuleNode;
}
