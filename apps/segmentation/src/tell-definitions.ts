import type { SegmentRule } from '@tributary/contracts/rule';
import { segmentsDefined } from '@tributary/contracts/topics/segments-defined';
import type { OutRecord } from '@tributary/stream/stage';
import type { Definitions } from './definitions.postgres.js';

/** The version of the record's form; it changes compatibly only (docs/asyncapi.yaml). */
const SCHEMA_VERSION = '1';

/**
 * The partition whose switch tells: one of them, so that each definition is told once. It tells with the batch in which
 * the last of its profiles follows the new definitions.
 */
export const TELLING_PARTITION = 0;

/** Records of `segments.defined` for what differs between two versions: the new definition, or null where there is none any more. */
export function tellDefinitions(old: Definitions, next: Definitions): OutRecord[] {
  const before = new Map(old.segments.map((segment) => [segment.key, JSON.stringify(segment)]));
  const after = new Map(next.segments.map((segment) => [segment.key, segment]));
  const gone = [...before.keys()].filter((key) => !after.has(key)).map((key) => toRecord(next, key, null));
  const changed = next.segments.filter((segment) => before.get(segment.key) !== JSON.stringify(segment)).map((segment) => toRecord(next, segment.key, segment));
  return [...gone, ...changed];
}

function toRecord({ workspace, version }: Definitions, key: string, segment: SegmentRule | null): OutRecord {
  const value = segment === null ? null : { workspace, segment: key, version: segment.version, definitionsVersion: version, rule: segment.rule, stay: segment.stay ?? null };
  return {
    topic: segmentsDefined.name,
    key: Buffer.from(`${workspace}/${key}`),
    value: value === null ? null : Buffer.from(JSON.stringify(value)),
    headers: { 'schema-version': SCHEMA_VERSION, workspace },
  };
}
