import type { Json, RuleNode } from '@tributary/contracts/rule';
import { part, request } from './client.js';

export interface Segment {
  readonly key: string;
  readonly name: string;
  readonly description?: string | null;
  readonly rule: RuleNode;
  readonly stay?: RuleNode | null;
  readonly status: 'backfilling' | 'live' | 'paused';
  readonly count: number;
  readonly version: number;
  /** Everything known before this instant is in the count; null before the first event. */
  readonly asOf: string | null;
  readonly lagMs: number | null;
  readonly warnings?: readonly (string | { readonly detail: string })[];
  readonly entered?: Moves;
  readonly left?: Moves;
}

/** How many within the last hour and day. */
export interface Moves {
  readonly hour: number;
  readonly day: number;
}

export interface Member {
  readonly profileId: string;
  readonly since: string;
}

/** One node of the answer to "why". */
export interface Why {
  /** The kind of node; from some answers the node itself. */
  readonly node: string | Json;
  /** JSON Pointer into the definition. */
  readonly path: string;
  readonly holds: boolean;
  readonly actual: Json;
  readonly events: readonly { readonly messageId?: string | null; readonly name: string; readonly timestamp: string }[];
  readonly children: readonly Why[];
  readonly rule?: Json;
  readonly approximate?: boolean;
}

export interface Membership {
  readonly member: boolean;
  readonly since: string | null;
  readonly asOf: string | null;
  /** When time alone changes it, or null. */
  readonly flipsAt: string | null;
  /** Null while the segment is being filled for this person. */
  readonly why: Why | null;
}

export const SEGMENTS_MAX = 1_000;

export async function listSegments(signal: AbortSignal): Promise<readonly Segment[]> {
  const { segments } = await request<{ segments: Segment[] }>(`/segmentation/v1/segments?limit=${SEGMENTS_MAX}`, { signal });
  return segments;
}

export function getSegment(key: string, signal: AbortSignal): Promise<Segment> {
  return request(`/segmentation/v1/segments/${part(key)}`, { signal });
}

export function listMembers(key: string, cursor: string | null, signal: AbortSignal): Promise<{ members: Member[]; cursor: string | null; asOf: string | null }> {
  const from = cursor === null ? '' : `&cursor=${part(cursor)}`;
  return request(`/segmentation/v1/segments/${part(key)}/members?limit=25${from}`, { signal });
}

export function getMembership(key: string, ref: string, signal: AbortSignal): Promise<Membership> {
  return request(`/segmentation/v1/segments/${part(key)}/members/${part(ref)}`, { signal });
}
